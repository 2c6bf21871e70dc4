"""What a model is asked, which models are asked, and how drafts are read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.starter import loader
from domain.dialogue import Exchange
from domain.errors import DataFileError
from domain.prompt import Asked, Template, prompt, read_draft, read_so_far
from domain.routing import EXTRACTIVE, HOSTED, LOCAL, Link, Need, chain
from tests.builders import a_hit, a_passage

TEMPLATE = Template("t-1", "Be brief.", 100, 0.0)
HITS = tuple(a_hit(a_passage(f"Fact {n}. " * 10, article=f"A{n}")) for n in range(5))
WHY = Asked("Why?", "en", HITS)


def words(text: str) -> int:
    return len(text.split())


def test_passages_are_packed_best_first_until_the_room_is_full() -> None:
    whole = prompt(TEMPLATE, WHY, 1_000, words)
    tight = prompt(TEMPLATE, WHY, 100 + 64 + 2 + 60, words)

    assert [one["number"] for one in json.loads(whole.user)["passages"]] == [1, 2, 3, 4, 5]
    assert [one["number"] for one in json.loads(tight.user)["passages"]] == [1, 2]
    assert (whole.version, whole.system) == ("t-1", "Be brief.")


def test_the_talk_before_goes_along_newest_first_as_far_as_there_is_room() -> None:
    before = tuple(Exchange(f"Question {n}? " * 5, (f"Title {n}",)) for n in range(3))
    asked = Asked("Why?", "en", HITS, before, ("Long ago",))

    whole = json.loads(prompt(TEMPLATE, asked, 1_000, words).user)
    tight = json.loads(prompt(TEMPLATE, asked, 100 + 64 + 2 + 180, words).user)

    assert [one["titles"] for one in whole["before"]] == [["Title 0"], ["Title 1"], ["Title 2"]]
    assert whole["earlier"] == ["Long ago"]
    assert [one["titles"] for one in tight["before"]] == [["Title 1"], ["Title 2"]]
    assert "earlier" not in tight
    assert tight["passages"]


def test_a_draft_can_be_read_while_it_is_written() -> None:
    whole = json.dumps({"paragraphs": [[{"text": "A } b.", "passage": 1}, {"text": "C.", "passage": 2}]]})

    found = [read_so_far(whole[:end], HITS) for end in range(len(whole))]

    told = [[one.text for each in draft.paragraphs for one in each] for draft in found if draft]
    assert [list(one) for one in dict.fromkeys(map(tuple, told))] == [["A } b."], ["A } b.", "C."]]


def test_a_tenant_shuts_routes_and_pays_no_more_than_it_wants() -> None:
    free, paid = Link("llama", LOCAL, 1), Link("gpt", HOSTED, 1, price_in=0.4, price_out=1.6)

    assert chain(Need(routes=(LOCAL,), wanted=HOSTED), [free, paid]) == (free,)
    assert chain(Need(routes=()), [free, paid]) == ()
    assert chain(Need(free=True), [free, paid]) == (free,)
    assert paid.cost(1_000_000, 500_000) == pytest.approx(1.2)


def test_a_question_that_does_not_fit_is_told() -> None:
    with pytest.raises(DataFileError, match="does not fit"):
        prompt(TEMPLATE, Asked("why " * 50, "en", ()), 200, words)


@given(st.text(), st.text())
def test_nothing_from_outside_can_end_the_data(question: str, body: str) -> None:
    found = prompt(TEMPLATE, Asked(question, "en", (a_hit(a_passage(body or "x")),)), 10**6, len)

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
