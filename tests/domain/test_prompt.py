"""What a model is asked, which models are asked, and how drafts are read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.starter import loader
from domain.errors import DataFileError
from domain.prompt import Template, prompt, read_draft
from domain.routing import EXTRACTIVE, HOSTED, LOCAL, Link, Need, chain
from tests.builders import a_hit, a_passage

TEMPLATE = Template("t-1", "Be brief.", 100, 0.0)
HITS = [a_hit(a_passage(f"Fact {n}. " * 10, article=f"A{n}")) for n in range(5)]


def words(text: str) -> int:
    return len(text.split())


def test_passages_are_packed_best_first_until_the_room_is_full() -> None:
    whole = prompt(TEMPLATE, "Why?", "en", HITS, 1_000, words)
    tight = prompt(TEMPLATE, "Why?", "en", HITS, 100 + 64 + 2 + 60, words)

    assert [one["number"] for one in json.loads(whole.user)["passages"]] == [1, 2, 3, 4, 5]
    assert [one["number"] for one in json.loads(tight.user)["passages"]] == [1, 2]
    assert (whole.version, whole.system) == ("t-1", "Be brief.")


def test_a_question_that_does_not_fit_is_told() -> None:
    with pytest.raises(DataFileError, match="does not fit"):
        prompt(TEMPLATE, "why " * 50, "en", [], 200, words)


@given(st.text(), st.text())
def test_nothing_from_outside_can_end_the_data(question: str, body: str) -> None:
    found = prompt(TEMPLATE, question, "en", [a_hit(a_passage(body or "x"))], 10**6, len)

    assert found.system == TEMPLATE.system
    data = json.loads(found.user)
    assert (data["question"], data["passages"][0]["text"]) == (question, body or "x")


def test_a_draft_is_read_with_the_passages_that_it_cites() -> None:
    said = {"paragraphs": [[{"text": "One. [2]", "passage": 2}, {"text": " ", "passage": 1}], []]}

    for written in (json.dumps(said), f"Here you are:\n```json\n{json.dumps(said)}\n```"):
        draft = read_draft(written, HITS)
        assert [[s.text for s in paragraph] for paragraph in draft.paragraphs] == [["One."]]
        assert [(one.number, one.article_id) for one in draft.citations] == [(2, "A1")]


@pytest.mark.parametrize(
    "written",
    [
        "",
        "No.",
        "{}",
        '{"paragraphs": "x"}',
        json.dumps({"paragraphs": [[{"text": "a", "passage": 1}] * 61]}),
    ],
)
def test_what_is_no_draft_is_told(written: str) -> None:
    with pytest.raises(DataFileError):
        read_draft(written, HITS)


LINKS = [Link("a", HOSTED, 1), Link("b", LOCAL, 1), Link("c", HOSTED, 1)]


@pytest.mark.parametrize(
    ("need", "names"),
    [
        (Need(), "acb"),
        (Need(technical=True), "bac"),
        (Need(sensitive=True), "b"),
        (Need(technical=True, wanted=HOSTED), "acb"),
        (Need(sensitive=True, wanted=HOSTED), "b"),
        (Need(wanted=LOCAL), "bac"),
        (Need(wanted=EXTRACTIVE), ""),
    ],
)
def test_the_chain_follows_the_turn_and_the_rules(need: Need, names: str) -> None:
    assert "".join(link.name for link in chain(need, LINKS)) == names


def test_the_shipped_prompt_is_read() -> None:
    template = loader.prompt()

    assert template.version
    assert '"paragraphs"' in template.system
