"""What a later answer takes back of an earlier one."""

import pytest

from domain.retrieval.contradiction import corrected

LIMIT = "A synchronous transaction runs at most 100 SOQL queries."


@pytest.mark.parametrize(
    ("now", "gone"),
    [
        ([LIMIT], ()),
        (["A synchronous transaction runs at most 200 SOQL queries."], (LIMIT,)),
        (["A synchronous transaction never runs at most 100 SOQL queries."], (LIMIT,)),
        (["An email to case address takes messages of up to 25 MB."], ()),
        ([LIMIT, "A synchronous transaction runs at most 200 SOQL queries."], ()),
        (["```apex\nrun(200);\n```"], ()),
        ([], ()),
    ],
    ids=["said again", "another number", "denied", "about something else", "still said", "code", "nothing"],
)
def test_a_statement_is_taken_back_when_one_made_now_contradicts_it(
    now: list[str], gone: tuple[str, ...]
) -> None:
    assert corrected([LIMIT], now) == gone
