"""API versions and releases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DataFileError
from domain.versions import named, parse_versions, release_name, release_of, valid_for


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("all", (1, 58, 99), ()),
        ("58", (58,), (57, 59)),
        ("v58.0", (58,), (57, 59)),
        ("50-58", (50, 58), (49, 59)),
        ("60+", (60, 90), (59,)),
        (">=60", (60, 90), (59,)),
        ("<=57", (10, 57), (58,)),
        ("Summer '24", (61,), (60, 62)),
        ("Winter '25+", (62, 70), (61,)),
        ("Spring '24 - Winter '25", (60, 61, 62), (59, 63)),
        ("45, 50-52", (45, 50, 52), (46, 53)),
    ],
)
def test_versions_hold_what_they_say(text: str, inside: tuple[int, ...], outside: tuple[int, ...]) -> None:
    versions = parse_versions(text)

    assert all(version in versions for version in inside)
    assert not any(version in versions for version in outside)


@pytest.mark.parametrize("text", ["newest", "58 to 60", "-", "58-", "Autumn '24", "12345"])
def test_what_names_no_versions_is_refused_by_name(text: str) -> None:
    with pytest.raises(DataFileError, match="names no API versions"):
        parse_versions(text)
    assert 58 in valid_for(text)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Does this work with API version 58.0?", 58),
        ("we are on api v45", 45),
        ("<apiVersion>52.0</apiVersion>", 52),
        ("what changed in Summer '24?", 61),
        ("since the spring 2025 release", 63),
        ("Winter \u201926 preview", 65),
        ("version 60.0 of the class", 60),
        ("Chrome version 98 is broken", None),
        ("macOS version 12.01", None),
        ("the API returns 503", None),
        ("API 10 calls", None),
        ("in summer 5 people left", None),
    ],
)
def test_the_version_that_a_question_names(text: str, version: int | None) -> None:
    assert named(text) == version


@given(version=st.integers(40, 99))
def test_a_release_is_called_as_it_is_read(version: int) -> None:
    assert release_of(release_name(version)) == version
    assert named(release_name(version)) == version
