"""The extractive writer and its judge."""

import re
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.starter.loader import articles
from domain.answer import MAX_CHARACTERS, MAX_CITATIONS, Citation, Draft, Statement, judge, statements, write
from domain.grounding import plain
from domain.retrieval.chunking import blocks, is_code, passages
from domain.retrieval.passages import Hit, Passage
from tests.builders import a_hit, a_passage

STEP = re.compile(r"^\d{1,2}\. ", re.MULTILINE)
CODE = "```apex\nList<Account> a = [SELECT Id FROM Account];\n\n// 1. Do it. Now.\n- x\n```"


def written(
    *hits: Hit, question: str = "How do I reset it?", wants_steps: bool = False, wants_code: bool = False
) -> Draft:
    return write(question, hits, wants_steps=wants_steps, wants_code=wants_code)


def answer_from(body: str) -> Draft:
    return written(a_hit(a_passage(body)))


def said(draft: Draft) -> list[str]:
    return [statement.text for paragraph in draft.paragraphs for statement in paragraph]


def cited(draft: Draft) -> list[str]:
    return [citation.passage_id for citation in draft.citations]


def judged(draft: Draft, *found: Passage) -> tuple[Draft, float]:
    return judge(draft, found)


@pytest.mark.parametrize(
    ("block", "pieces"),
    [
        ("One. Two.", ["One.", "Two."]),
        ("1. Open it. Wait.\n2. Close it.", ["1. Open it. Wait.", "2. Close it."]),
        ("- a\n  more of a\n- b", ["- a\n  more of a", "- b"]),
        ("* a", ["* a"]),
        (CODE, [CODE]),
    ],
)
def test_a_block_is_parted_into_what_can_be_cited(block: str, pieces: list[str]) -> None:
    assert list(statements(block)) == pieces


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("Click the link. Then wait.", "Click the link. [1] Then wait. [1]"),
        ("1. Open it.\n2. Close it.", "1. Open it. [1]\n2. Close it. [1]"),
        ("- Open it.\n- Close it.", "- Open it. [1]\n- Close it. [1]"),
        ("Do this:\n\n1. Open it.", "Do this: [1]\n\n1. Open it. [1]"),
        (f"Run it:\n\n{CODE}\n\nDone.", f"Run it: [1]\n\n{CODE}\n[1]\n\nDone. [1]"),
        ("See e.g. Setup. Go.", "See e.g. Setup. [1] Go. [1]"),
    ],
)
def test_an_answer_is_the_passage_with_citations(body: str, text: str) -> None:
    assert answer_from(body).text == text


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("Do this:\n1. Open it.\n2. Close it.", id="numbered"),
        pytest.param("You need:\n- A user.\n- A profile.", id="bulleted"),
    ],
)
def test_a_list_right_below_its_introduction_stays_a_list(body: str) -> None:
    draft, support = judge(answer_from(body), [a_passage(body)])

    lines = [re.sub(r" \[1\]$", "", line) for line in draft.text.splitlines() if line]
    assert lines == body.splitlines()
    assert support == 1.0


def test_code_within_a_step_stays_whole_and_its_fence_stays_alone() -> None:
    body = "1. Run this:\n   ```apex\n   // - one\n   - two\n   ```\n2. Save."

    text = answer_from(body).text

    assert "   ```apex\n   // - one\n   - two\n   ```\n" in f"{text}\n"


def test_code_beside_a_step_stays_whole() -> None:
    draft = answer_from(f"1. Run this:\n\n{CODE}\n\n2. Save.")

    assert [text for text in said(draft) if is_code(text)] == [CODE]
    assert [text for text in said(draft) if text[0].isdigit()] == ["1. Run this:", "2. Save."]


def test_a_citation_carries_what_its_hit_is_about() -> None:
    passage = msgspec.structs.replace(a_passage("Click.", article="KB-7", number=2), api_versions="60+")

    [citation] = written(a_hit(passage, score=0.7)).citations

    assert citation == Citation(1, "KB-7", "Reset a password", "", "KB-7#2", "Click.", "login", "60+", 0.7)


def test_the_opening_of_the_best_article_comes_first() -> None:
    best = a_hit(a_passage("1. Click the link.", number=1))
    opening = a_hit(a_passage("A password can be reset.", number=0), cosine=0.1)
    foreign = a_hit(a_passage("Flows fail.", article="KB-OTHER", number=0), cosine=0.1)

    draft = written(best, foreign, opening)

    assert said(draft) == ["A password can be reset.", "1. Click the link."]
    assert cited(draft) == ["KB-TEST-001#0", "KB-TEST-001#1"]


def test_a_near_passage_that_brings_a_missing_word_is_added() -> None:
    best = a_hit(a_passage("Reset the password.", title="Password"), cosine=0.8)
    adds = a_hit(a_passage("The mail may be in the spam folder.", article="B", title="Mail"), cosine=0.75)
    idle = a_hit(a_passage("Passwords expire.", article="C", title="Password"), cosine=0.79)

    draft = written(best, idle, adds, question="reset password spam")

    assert cited(draft) == ["KB-TEST-001#0", "B#0"]


def test_a_distant_passage_is_not_added_whatever_it_brings() -> None:
    best = a_hit(a_passage("Reset the password."), cosine=0.8)
    distant = a_hit(a_passage("The mail may be spam.", article="B"), cosine=0.63)

    assert cited(written(best, distant, question="reset password spam")) == ["KB-TEST-001#0"]


def test_what_one_passage_brought_another_need_not_bring_again() -> None:
    best = a_hit(a_passage("Reset the password."), cosine=0.8)
    one = a_hit(a_passage("Look for spam.", article="B"), cosine=0.79)
    two = a_hit(a_passage("Spam again.", article="C"), cosine=0.78)

    assert cited(written(best, one, two, question="reset password spam")) == ["KB-TEST-001#0", "B#0"]


@pytest.mark.parametrize(
    ("wants_steps", "wants_code", "expected"),
    [
        (False, False, ["A#0"]),
        (True, False, ["A#0", "A#1"]),
        (False, True, ["A#0", "A#2"]),
        (True, True, ["A#0", "A#1", "A#2"]),
    ],
)
def test_steps_and_code_of_the_same_article_are_added_when_wanted(
    wants_steps: bool, wants_code: bool, expected: list[str]
) -> None:
    opening = a_hit(a_passage("A password can be reset.", article="A"))
    steps = a_hit(a_passage("1. Click the link.", article="A", number=1), cosine=0.2)
    code = a_hit(a_passage("```\nreset();\n```", article="A", number=2), cosine=0.2)

    draft = written(
        opening, steps, code, wants_steps=wants_steps, wants_code=wants_code, question="reset password"
    )

    assert cited(draft) == expected


def test_an_opening_comes_with_the_section_that_is_as_near() -> None:
    opening = a_hit(a_passage("A password can be reset.", article="A"))
    near = a_hit(a_passage("Wait a day.", article="A", number=3), cosine=0.7)
    far = a_hit(a_passage("Ask an admin.", article="A", number=4), cosine=0.69)

    assert cited(written(opening, near, far, question="reset password")) == ["A#0", "A#3"]


def test_steps_of_another_article_are_not_added() -> None:
    opening = a_hit(a_passage("A password can be reset.", article="A"))
    steps = a_hit(a_passage("1. Click the link.", article="B", number=1), cosine=0.2)

    assert cited(written(opening, steps, wants_steps=True, question="reset password")) == ["A#0"]


def test_steps_are_not_added_when_the_answer_has_some() -> None:
    best = a_hit(a_passage("1. Open it.", article="A"))
    more = a_hit(a_passage("1. Close it.", article="A", number=1), cosine=0.2)

    assert cited(written(best, more, wants_steps=True, question="open")) == ["A#0"]


def test_no_block_is_said_twice() -> None:
    best = a_hit(a_passage("Note: save first.\n\nReset the password.", article="A", number=1))
    opening = a_hit(a_passage("Welcome.", article="A"))
    spam = a_hit(a_passage("Note: save first.\n\nLook for spam.", article="B"))

    draft = written(best, opening, spam, question="password spam")

    assert said(draft).count("Note: save first.") == 1
    assert "Look for spam." in said(draft)


def test_at_most_three_passages_are_cited() -> None:
    words = ["alpha", "beta", "gamma", "delta", "epsilon"]
    hits = [a_hit(a_passage(f"About {word}.", article=word, title=word)) for word in words]

    draft = written(*hits, question=" ".join(words))

    assert len(draft.citations) == MAX_CITATIONS


def test_a_block_that_does_not_fit_is_left_out_and_a_shorter_one_still_said() -> None:
    long = " ".join(["word"] * 250) + "."

    draft = answer_from(f"{long}\n\n{long}\n\nShort.")

    assert len(draft.paragraphs) == 2
    assert said(draft)[-1] == "Short."


@pytest.mark.parametrize(("length", "blocks_said"), [(1_700, 2), (1_701, 1)])
def test_a_block_fits_up_to_the_last_character(length: int, blocks_said: int) -> None:
    draft = answer_from(f"{'x' * length}\n\n{'y' * 100}")

    assert len(draft.paragraphs) == blocks_said


def test_the_first_block_is_said_however_long() -> None:
    draft = answer_from("word " * 1_000 + "end.")

    assert len(draft.text) > MAX_CHARACTERS


def test_a_passage_of_which_nothing_fits_is_not_cited() -> None:
    best = a_hit(a_passage("x" * (MAX_CHARACTERS - 10), article="A", number=1))
    opening = a_hit(a_passage("y" * 50, article="A"))

    draft = written(best, opening)

    assert cited(draft) == ["A#0"]
    assert {statement.citation for paragraph in draft.paragraphs for statement in paragraph} == {1}


def invented(draft: Draft, text: str, citation: int = 1) -> Draft:
    return Draft((*draft.paragraphs, (Statement(text, citation),)), draft.citations)


def test_the_judge_keeps_what_the_passage_holds() -> None:
    passage = a_passage("Click the link. Then wait.\n\n1. Open it.\n2. Close it.")
    draft = written(a_hit(passage))

    assert judged(draft, passage) == (draft, 1.0)


def test_the_judge_drops_an_invented_sentence_and_lowers_support() -> None:
    passage = a_passage("Click the link. Then wait.")
    draft = invented(written(a_hit(passage)), "Call us at 555-0100.")

    kept, support = judged(draft, passage)

    assert said(kept) == ["Click the link.", "Then wait."]
    assert support == pytest.approx(2 / 3)


def test_the_judge_drops_one_invented_step_and_keeps_the_others() -> None:
    passage = a_passage("1. Open it.\n2. Close it.")
    steps = (Statement("1. Open it.", 1), Statement("2. Delete it.", 1), Statement("2. Close it.", 1))
    draft = Draft((steps,), written(a_hit(passage)).citations)

    kept, support = judged(draft, passage)

    assert said(kept) == ["1. Open it.", "2. Close it."]
    assert support == pytest.approx(2 / 3)


def test_a_true_sentence_under_the_wrong_number_is_dropped_with_its_citation() -> None:
    one, two = a_passage("Click the link.", article="A"), a_passage("Then wait.", article="B")
    draft = Draft(
        ((Statement("Click the link.", 2),), (Statement("Click the link.", 1),)),
        written(a_hit(one), a_hit(two), question="wait").citations,
    )

    kept, support = judged(draft, one, two)

    assert said(kept) == ["Click the link."]
    assert cited(kept) == ["A#0"]
    assert support == 0.5


@pytest.mark.parametrize("number", [2, 0], ids=["no such citation", "zero"])
def test_a_statement_without_a_citation_is_dropped(number: int) -> None:
    passage = a_passage("Click the link.")

    kept, support = judged(invented(written(a_hit(passage)), "Click the link.", number), passage)

    assert said(kept) == ["Click the link."]
    assert support == 0.5


def test_a_citation_of_a_passage_that_was_not_found_supports_nothing() -> None:
    draft = answer_from("Click the link.")

    kept, support = judged(draft)

    assert kept == Draft((), ())
    assert support == 0.0


def test_an_empty_draft_has_no_support() -> None:
    assert judged(Draft((), ())) == (Draft((), ()), 0.0)


def test_an_empty_passage_says_nothing() -> None:
    draft = answer_from("")

    assert (draft.text, draft.citations) == ("", ())


LINES = st.sampled_from(
    [
        "Open it. Then close.",
        "See e.g. Setup [2] now.",
        "`x` [0]",
        "1. Open",
        "- bullet",
        "  - nested",
        "* star",
        "   indented text",
        "  // - comment",
        "| a | b |",
        "```",
        "   ```apex",
        "~~~",
        "```x``` y",
        "",
        "",
    ]
)


@given(st.lists(LINES, max_size=12).map("\n".join))
def test_all_of_any_short_markdown_is_said_and_supported(body: str) -> None:
    passage = a_passage(body)

    draft, support = judge(written(a_hit(passage)), [passage])

    assert plain(draft.text) == plain(body)
    assert support == (1.0 if said(draft) else 0.0)


def test_a_line_of_prose_that_begins_with_a_number_is_not_lost() -> None:
    passage = a_passage("The limit was raised from 1 to\n12. Then it was lowered.")

    draft, support = judge(written(a_hit(passage)), [passage])

    assert draft.text == "The limit was raised from 1 to 12. [1] Then it was lowered. [1]"
    assert support == 1.0


def starter_passages() -> Sequence[Passage]:
    return [passage for article in articles() for passage in passages(article)]


def test_all_said_from_a_starter_passage_is_supported() -> None:
    found = starter_passages()

    unsupported = [p.id for p in found if judge(written(a_hit(p)), [p])[1] != 1.0]

    assert len(found) > 86
    assert unsupported == []


def test_nothing_of_a_starter_passage_is_lost_up_to_the_limit() -> None:
    short = [p for p in starter_passages() if len(p.body) <= MAX_CHARACTERS]

    lost = [p.id for p in short if plain(written(a_hit(p)).text) != plain(p.body)]

    assert len(short) > 86
    assert lost == []


def test_code_and_steps_of_the_starter_passages_stay_whole() -> None:
    def kept(markdown: str) -> list[str]:
        return [block for block in blocks(markdown) if is_code(block)] + STEP.findall(markdown)

    broken = [
        passage.id
        for passage in starter_passages()
        if kept(written(a_hit(passage)).text.replace("\n[1]", "")) != kept(passage.body)
    ]

    assert broken == []


def test_every_statement_of_the_starter_passages_carries_its_citation() -> None:
    drafts = [written(a_hit(passage)) for passage in starter_passages()]

    uncited = [draft.text for draft in drafts if draft.text.count("[1]") < len(said(draft))]

    assert uncited == []
    assert {len(draft.citations) for draft in drafts} == {1}
