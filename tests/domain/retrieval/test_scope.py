"""What a search may find."""

from datetime import date

import numpy as np
import pytest
from msgspec.structs import replace

from domain.errors import DataFileError
from domain.retrieval.hybrid import HybridIndex, Query
from domain.retrieval.passages import checked_article
from domain.retrieval.scope import Reach, Reaches, Scope
from tests.builders import a_passage, a_unit_vector, an_article

TODAY = date(2026, 5, 1)


@pytest.mark.parametrize(
    ("reach", "scope", "admitted"),
    [
        (Reach(), Scope(TODAY), True),
        (Reach(audience="staff"), Scope(TODAY), False),
        (Reach(audience="staff"), Scope(TODAY, staff=True), True),
        (Reach(groups=("gold",)), Scope(TODAY), False),
        (Reach(groups=("gold",)), Scope(TODAY, staff=True), False),
        (Reach(groups=("gold", "silver")), Scope(TODAY, frozenset({"silver"})), True),
        (Reach(valid_from=date(2026, 5, 1)), Scope(TODAY), True),
        (Reach(valid_from=date(2026, 5, 2)), Scope(TODAY), False),
        (Reach(valid_until=date(2026, 5, 1)), Scope(TODAY), True),
        (Reach(valid_until=date(2026, 4, 30)), Scope(TODAY), False),
        (Reach(), Scope(TODAY, api_version=59), False),
        (Reach(), Scope(TODAY, api_version=60), True),
        (Reach(), Scope(TODAY, product="sales cloud"), True),
        (Reach(), Scope(TODAY, product="Slack"), False),
        (Reach(language="de"), Scope(TODAY, language="de"), True),
        (Reach(), Scope(TODAY, language="de"), False),
    ],
)
def test_a_scope_admits(reach: Reach, scope: Scope, *, admitted: bool) -> None:
    assert scope.admits(reach, "Sales Cloud", "60+") is admitted


def test_a_scope_that_admits_all_needs_no_mask() -> None:
    labels = [(Reach(), "Platform", "all"), (Reach(audience="staff"), "Platform", "all")]

    assert Reaches(labels[:1] * 3).mask(Scope(TODAY)) is None
    mask = Reaches(labels).mask(Scope(TODAY))
    assert mask is not None
    assert mask.tolist() == [True, False]


def test_what_is_not_admitted_takes_no_candidates_place() -> None:
    secret = Reach(groups=("gold",))
    hidden = [a_passage("reset password", article=f"S{n}") for n in range(200)]
    open_one = a_passage("reset something else", article="OPEN")
    passages = [replace(one, reach=secret) for one in hidden] + [open_one]
    vectors = np.array([a_unit_vector(1, 0, 0)] * 200 + [a_unit_vector(0, 1, 0)], np.float32)
    query = Query("reset password", a_unit_vector(1, 0, 0))
    index = HybridIndex(passages, vectors)

    assert [hit.passage.article for hit in index.search(query, Scope(TODAY))] == ["OPEN"]
    assert "OPEN" not in {
        hit.passage.article for hit in index.search(query, Scope(TODAY, frozenset({"gold"})))
    }


@pytest.mark.parametrize(
    ("reach", "api_versions", "code"),
    [
        (Reach(audience="friends"), "all", "bad_audience"),
        (Reach(language="English"), "all", "bad_language"),
        (Reach(valid_from=date(2026, 2, 1), valid_until=date(2026, 1, 1)), "all", "bad_dates"),
        (Reach(), "newest", "bad_versions"),
    ],
)
def test_an_article_that_says_nonsense_is_refused(reach: Reach, api_versions: str, code: str) -> None:
    with pytest.raises(DataFileError) as refused:
        checked_article(replace(an_article(), reach=reach, api_versions=api_versions))

    assert refused.value.code == code
