"""Cutting articles into passages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.starter.loader import articles
from domain.retrieval.chunking import MAX_WORDS, blocks, is_code, is_list, is_numbered, passages
from tests.builders import an_article


def cut(body: str) -> list[tuple[str, str]]:
    return [(passage.heading, passage.body) for passage in passages(an_article(body))]


def words(count: int, word: str = "word") -> str:
    return " ".join([word] * count)


def test_an_article_is_cut_at_its_headings() -> None:
    body = "Opening.\n\n## How?\n\n1. Open it.\n2. Close it.\n\n### Why? ##\n\nBecause."

    assert cut(body) == [("", "Opening."), ("How?", "1. Open it.\n2. Close it."), ("How? > Why?", "Because.")]


def test_passages_are_numbered_and_carry_what_the_article_says_of_itself() -> None:
    article = an_article("Opening.\n\n## How?\n\nSo.", identity="KB-1", title="Reset", category="login")

    found = passages(article)

    assert [passage.id for passage in found] == ["KB-1#opening", "KB-1#how"]
    assert {(passage.title, passage.category) for passage in found} == {("Reset", "login")}


def test_what_is_indexed_is_title_heading_error_codes_and_body() -> None:
    [first, second] = passages(an_article("Opening.\n\n## How?\n\nSo.", title="Reset"))

    assert first.text == "Reset\nOpening."
    assert second.text == "Reset\nHow?\nSo."


@pytest.mark.parametrize("body", ["Just one paragraph.", "One.\n\nTwo.", "- a\n- b"])
def test_a_short_article_without_headings_is_one_passage(body: str) -> None:
    assert cut(body) == [("", body)]


def test_an_article_that_begins_with_a_heading_has_no_empty_opening() -> None:
    assert cut("# Reset\n\nClick.") == [("Reset", "Click.")]


def test_a_heading_with_nothing_below_it_makes_no_passage() -> None:
    assert cut("## Empty\n\n## Full\n\nText.\n\n## Last") == [("Full", "Text.")]


@pytest.mark.parametrize(
    ("line", "heading"),
    [
        ("# One", "One"),
        ("###### Six", "Six"),
        ("## Closed ##", "Closed"),
        ("## How do I use C#", "How do I use C#"),
    ],
)
def test_a_heading_is_read_without_its_marks(line: str, heading: str) -> None:
    assert cut(f"{line}\n\nText.") == [(heading, "Text.")]


@pytest.mark.parametrize("line", ["#hashtag", "####### seven", "#", "a # b"])
def test_other_hashes_are_text(line: str) -> None:
    assert cut(f"{line}\nText.") == [("", f"{line}\nText.")]


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("```\n# no heading\n```", id="backticks"),
        pytest.param("~~~\n# no heading\n~~~", id="tildes"),
        pytest.param("```apex\n\n## no heading\n\n\nint i;\n```", id="blank lines inside"),
        pytest.param("  ```\n  # no heading\n  ```", id="indented"),
        pytest.param("```\n~~~\n# no heading\n~~~\n```", id="tildes inside backticks"),
        pytest.param("````\n```\n# no heading\n```\n````", id="backticks inside more backticks"),
        pytest.param("```\n# never closed", id="never closed"),
        pytest.param("```\n``` # not a closing fence\n```", id="words behind the backticks"),
    ],
)
def test_a_code_block_is_one_block_and_holds_no_heading(code: str) -> None:
    assert [heading for heading, _ in cut(f"Before.\n\n{code}")] == [""]
    assert list(blocks(f"Before.\n\n{code}")) == ["Before.", code]


def test_three_backticks_within_a_line_open_no_code_block() -> None:
    assert cut("```x``` is code.\n\n## How?\n\nSo.") == [("", "```x``` is code."), ("How?", "So.")]


@pytest.mark.parametrize(
    ("markdown", "parts"),
    [
        ("", []),
        ("\n\n\n", []),
        ("a\nb\n\n\nc", ["a\nb", "c"]),
        ("Run:\n```\nx\n```\nThen stop.", ["Run:", "```\nx\n```", "Then stop."]),
        ("1. a\n2. b\n\ntext", ["1. a\n2. b", "text"]),
        ("Do this:\n1. a\n2. b", ["Do this:", "1. a\n2. b"]),
        ("You need:\n- a\n- b", ["You need:", "- a\n- b"]),
        ("It was in\n2026. A year", ["It was in\n2026. A year"]),
        ("Step\n12. is missing", ["Step\n12. is missing"]),
        ("- a\n  1. b\n  2. c\n- d", ["- a\n  1. b\n  2. c\n- d"]),
        ("1. Run:\n   ```\n   x\n\n   y\n   ```", ["1. Run:\n   ```\n   x\n\n   y\n   ```"]),
    ],
)
def test_blocks_are_parted_by_blank_lines(markdown: str, parts: list[str]) -> None:
    assert list(blocks(markdown)) == parts


@pytest.mark.parametrize(
    ("line", "listed", "numbered"),
    [
        ("1. Open", True, True),
        ("12) Open", True, True),
        ("  - Open", True, False),
        ("* Open", True, False),
        ("+ Open", True, False),
        ("2026. was a year", False, False),
        ("1.5 hours", False, False),
        ("**Bold** text", False, False),
        ("-", False, False),
        ("--- ", False, False),
    ],
)
def test_list_items_are_told_from_text(line: str, listed: bool, numbered: bool) -> None:
    assert (is_list(line), is_numbered(line)) == (listed, numbered)


@pytest.mark.parametrize(("block", "code"), [("```\nx\n```", True), ("~~~\nx\n~~~", True), ("`x`", False)])
def test_only_fenced_blocks_are_code(block: str, code: bool) -> None:
    assert is_code(block) is code


def test_a_long_section_is_cut_between_paragraphs_under_the_same_heading() -> None:
    paragraphs = [words(90, name) for name in ("one", "two", "three", "four", "five")]

    found = cut("## How?\n\n" + "\n\n".join(paragraphs))

    assert found == [
        ("How?", "\n\n".join(paragraphs[:2])),
        ("How?", "\n\n".join(paragraphs[2:4])),
        ("How?", paragraphs[4]),
    ]


@pytest.mark.parametrize(("count", "pieces"), [(50, 1), (51, 2)])
def test_a_passage_holds_two_hundred_words(count: int, pieces: int) -> None:
    assert len(cut(f"{words(150)}\n\n{words(count)}")) == pieces


def test_a_long_article_without_headings_is_cut_by_length() -> None:
    found = cut("\n\n".join(words(50) for _ in range(9)))

    assert [len(body.split()) for _, body in found] == [200, 200, 50]


@pytest.mark.parametrize(
    "whole",
    [
        pytest.param(words(3 * MAX_WORDS), id="a paragraph"),
        pytest.param("```\n" + "\n\n".join(["int i = 0;"] * 150) + "\n```", id="a code block"),
        pytest.param("\n".join(f"{n}. {words(30)}" for n in range(1, 13)), id="a list"),
    ],
)
def test_what_belongs_together_is_never_cut_however_long(whole: str) -> None:
    found = cut(f"Before.\n\n{whole}\n\nAfter.")

    assert [body for _, body in found if whole in body] == [
        body for _, body in found if set(whole.split()) & set(body.split())
    ]


def test_a_list_with_blank_lines_between_its_items_is_not_cut_either() -> None:
    steps = "\n\n".join(f"{number}. {words(30)}" for number in range(1, 13))

    found = cut(f"Do this:\n\n{steps}")

    assert [body for _, body in found if "1. word" in body] == [
        body for _, body in found if "12. word" in body
    ]


PROSE = st.lists(st.sampled_from(["Open", "Setup.", "Save", "it."]), min_size=1, max_size=120).map(" ".join)
BLOCK = st.one_of(
    PROSE,
    st.lists(PROSE, min_size=1, max_size=4).map(
        lambda items: "\n".join(f"{n}. {item}" for n, item in enumerate(items, 1))
    ),
    st.lists(st.sampled_from(["int i;", "", "# comment", "- x"]), max_size=5).map(
        lambda lines: "\n".join(["```", *lines, "```"])
    ),
)


@given(st.lists(st.tuples(st.booleans(), BLOCK), max_size=8))
def test_no_block_is_lost_or_cut_and_the_order_is_kept(drawn: list[tuple[bool, str]]) -> None:
    body = "\n\n".join(f"## Heading\n\n{block}" if headed else block for headed, block in drawn)

    found = [block for _, passage in cut(body) for block in blocks(passage)]

    assert found == [block for _, block in drawn]


@given(st.lists(st.tuples(st.booleans(), BLOCK), max_size=8))
def test_a_passage_is_longer_than_the_limit_only_when_it_cannot_be_cut(drawn: list[tuple[bool, str]]) -> None:
    body = "\n\n".join(f"## Heading\n\n{block}" if headed else block for headed, block in drawn)

    for _, passage in cut(body):
        _, *rest = blocks(passage)
        whole = not rest or all(is_list(block) for block in rest)
        assert len(passage.split()) <= MAX_WORDS or whole


def test_the_starter_articles_are_cut_without_losing_a_block() -> None:
    lost = []
    for article in articles():
        text = "\n".join(passage.body for passage in passages(article))
        lost += [
            (article.id, block) for block in blocks(article.body) if block not in text and block[0] != "#"
        ]

    assert lost == []


def test_passage_ids_stay_while_other_sections_change() -> None:
    before = passages(an_article("Opening.\n\n## Why?\n\nSo.\n\n## How?\n\nThus."))
    after = passages(an_article("## New\n\nFirst.\n\n## Why?\n\nOtherwise.\n\n## How?\n\nThus."))

    assert [passage.id for passage in after][1:] == [passage.id for passage in before][1:]


def test_headings_alike_get_ids_of_their_own() -> None:
    found = passages(an_article("## Steps\n\nOne.\n\n## Steps\n\nTwo.\n\n## !\n\nThree."))

    assert [passage.anchor for passage in found] == ["steps", "steps-2", "opening"]


def test_a_long_table_is_cut_by_rows_and_keeps_its_heading() -> None:
    rows = [f"| code {n} | what it means, in some words | what to do |" for n in range(200)]
    table = "\n".join(["| Code | Meaning | Mend |", "|---|---|---|", *rows])

    found = passages(an_article(table))

    assert len(found) > 5
    assert all(p.body.startswith("| Code | Meaning | Mend |\n|---|---|---|\n") for p in found)
    assert [line for p in found for line in p.body.split("\n")[2:]] == rows


def test_endless_prose_and_endless_lines_are_cut_between_words() -> None:
    prose = " ".join(f"word{n}" for n in range(5_000))
    listed = "\n".join(f"- item {n} with a few words" for n in range(300))

    for body in (prose, listed):
        found = passages(an_article(body))
        assert max(len(p.body.split()) for p in found) <= 800
        assert " ".join(" ".join(p.body.split()) for p in found) == " ".join(body.split())
