"""Which question tells the most about what is meant."""

from math import log2

import pytest

from adapters.starter.loader import facets
from domain.clarify import Facet, best_question
from domain.nlu.cues import phrases_pattern
from domain.retrieval.passages import Hit
from tests.builders import a_hit, a_passage


def a_facet(name: str, **values: str) -> Facet:
    return Facet(name, {value: phrases_pattern([phrase]) for value, phrase in values.items()})


TOOL = a_facet("tool", Loader="data loader", Wizard="import wizard", API="rest api")
ORG = a_facet("org", Sandbox="sandbox", Production="production")


def hits(*bodies: str) -> list[Hit]:
    return [a_hit(a_passage(body, article=f"KB-{place}")) for place, body in enumerate(bodies)]


FOUND = hits("Use the data loader.", "The import wizard stops.", "Over the REST API in a sandbox.")
ALIKE = [1.0, 1.0, 1.0]


def test_the_fact_that_splits_the_candidates_best_is_asked_for() -> None:
    best = best_question("My import fails", FOUND, ALIKE, [ORG, TOOL], ())

    assert best is not None
    assert best.key == "facet:tool"
    assert set(best.options) == {"Loader", "Wizard", "API"}
    assert best.gain == pytest.approx(log2(3), abs=1e-3)


def test_options_come_with_the_likeliest_first() -> None:
    best = best_question("My import fails", FOUND, [0.2, 0.9, 0.5], [TOOL], ())

    assert best is not None
    assert best.options == ("Wizard", "API", "Loader")


def test_a_fact_that_the_customer_named_is_not_asked_for() -> None:
    assert best_question("My import with the Data Loader fails", FOUND, ALIKE, [TOOL], ()) is None


def test_the_same_question_is_never_asked_twice() -> None:
    assert best_question("My import fails", FOUND, ALIKE, [TOOL], ("facet:tool",)) is None


def test_articles_that_say_nothing_of_a_fact_go_with_every_answer() -> None:
    found = hits("In a sandbox.", "In production.", "Anything.", "Anything else.")

    best = best_question("It fails", found, [1.0] * 4, [ORG], ())

    assert best is not None
    assert best.gain == pytest.approx(0.5, abs=1e-3)  # one bit for half of the articles


def test_a_question_that_tells_too_little_is_not_asked() -> None:
    assert best_question("It fails", FOUND[2:], [1.0], [TOOL, ORG], ()) is None
    assert best_question("It fails", hits("In a sandbox.", "In production."), [1.0, 0.01], [ORG], ()) is None


def test_nothing_found_is_nothing_to_ask_about() -> None:
    assert best_question("It fails", [], [], [TOOL], ()) is None


def test_the_facts_that_ship_have_choices_each_and_find_their_own_names() -> None:
    for facet in facets():
        assert len(facet.values) > 1, facet.name
    by_name = {facet.name: facet for facet in facets()}
    assert by_name["environment"].named("It works in my sandbox") == {"Sandbox"}
    assert by_name["tool"].named("with Data Loader or the sf cli") == {"Data Loader", "Salesforce CLI"}
