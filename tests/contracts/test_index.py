"""What every index of knowledge does: the one in this process, and Milvus (Milvus Lite, from its wheel)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace
from pymilvus import MilvusException  # type: ignore[import-untyped]  # has no stubs
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.memory import MemoryIndex
from adapters.milvus import MilvusIndex
from adapters.postgres.knowledge import PostgresPassages
from adapters.postgres.units import PostgresUnits
from domain.ids import ArticleId, OrganizationId
from domain.retrieval.hybrid import Query
from domain.retrieval.passages import Article, Hit
from domain.retrieval.scope import Reach, Scope
from domain.retrieval.snapshot import FORMAT
from ports.errors import Unavailable
from ports.inbound.ingest import Ingest, IngestArticles
from ports.inbound.snapshot import StoreIndex
from ports.outbound.embedding import Embedder
from ports.outbound.knowledge import Index
from tests.builders import ORGANIZATION, OTHER_ORGANIZATION, an_article
from tests.fakes import BagOfWordsEmbedder

pytestmark = pytest.mark.anyio

TODAY = Scope(date(2026, 5, 1))


@dataclass
class Given:
    """An index over real articles of two tenants, and what writes them."""

    index: Index
    refresh: Callable[[OrganizationId], Awaitable[bool]]
    ingest: IngestArticles
    units: PostgresUnits
    embedder: Embedder

    async def put(self, *articles: Article, organization: OrganizationId = ORGANIZATION) -> None:
        await self.ingest(Ingest(organization, articles))
        await self.refresh(organization)

    async def remove(self, *articles: str) -> None:
        async with self.units(ORGANIZATION) as unit:
            await unit.knowledge.put([], [ArticleId(one) for one in articles])
            await unit.commit()
        await self.refresh(ORGANIZATION)

    async def find(
        self, *texts: str, scope: Scope = TODAY, organization: OrganizationId = ORGANIZATION
    ) -> Sequence[tuple[Hit, ...]]:
        queries = [Query(one, await self.embedder.embed(one)) for one in texts]
        async with self.units(organization) as unit:
            found = await unit._connection.execute(  # type: ignore[attr-defined]  # the version only
                text("SELECT knowledge_version FROM core.organizations")
            )
            version = int(found.scalar_one())
        return await self.index.search(organization, version, queries, scope, 5)


@pytest.fixture(params=["memory", "milvus"])
async def given(
    request: pytest.FixtureRequest, app_pool: AsyncEngine, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Given]:
    units, log, embedder = PostgresUnits(app_pool), PostgresPassages(app_pool), BagOfWordsEmbedder()
    for organization in (ORGANIZATION, OTHER_ORGANIZATION):
        async with units(organization) as unit:
            everything = await unit.shelf.page("", None, 10_000)
            await unit.knowledge.put([], [kept.article.id for kept in everything])
            await unit.commit()
    ingest = IngestArticles(units, embedder)
    if request.param == "memory":
        index: Any = MemoryIndex(log, log, 2**30)
        yield Given(index, StoreIndex(log, log), ingest, units, embedder)
        return
    index = MilvusIndex(str(tmp_path_factory.mktemp("milvus") / "index.db"), log)
    yield Given(index, index.refresh, ingest, units, embedder)
    index.close()


PASSWORD = an_article("Reset it by mail.\n\n## Where?\n\nOn the login page.", identity="A", title="Password")
FLOW = an_article("A fault path catches it.", identity="B", title="Flow error", category="automation")


def articles(hits: Sequence[Hit]) -> list[str]:
    return list(dict.fromkeys(hit.passage.article for hit in hits))


async def test_an_empty_tenant_has_nothing_to_find(given: Given) -> None:
    assert await given.find("password") == [()]


async def test_the_best_passage_comes_first_with_its_figures(given: Given) -> None:
    await given.put(PASSWORD, FLOW)

    [hits] = await given.find("fault path of a flow")

    assert hits[0].passage.article == "B"
    assert hits[0].passage.body == "A fault path catches it."
    assert (hits[0].score, hits[0].coverage) == (1.0, 1.0)
    assert hits[0].bm25 > 0
    assert 0 < hits[0].cosine < 1


async def test_several_questions_are_answered_in_their_order(given: Given) -> None:
    await given.put(PASSWORD, FLOW)

    found = await given.find("password", "flow error")

    assert [hits[0].passage.article for hits in found] == ["A", "B"]


async def test_the_opening_of_the_best_article_comes_along(given: Given) -> None:
    many = [an_article("login page " * 3, identity=f"L{n}", title="Login") for n in range(8)]
    await given.put(PASSWORD, *many)

    [hits] = await given.find("where on the login page, password")

    best = hits[0].passage.article
    assert any(hit.passage.article == best and hit.passage.number == 0 for hit in hits)


async def test_an_edit_is_found_and_what_it_replaced_is_not(given: Given) -> None:
    await given.put(PASSWORD, FLOW)
    await given.find("password")

    await given.put(replace(PASSWORD, body="Ask the administrator for a hologram."))

    [hits] = await given.find("hologram")
    assert hits[0].passage.body == "Ask the administrator for a hologram."
    [hits] = await given.find("reset it by mail on the login page")
    assert "Reset it by mail." not in {hit.passage.body for hit in hits}


async def test_what_was_removed_is_found_no_more_and_may_come_back(given: Given) -> None:
    await given.put(PASSWORD, FLOW)
    await given.find("password")

    await given.remove("A")
    [without] = await given.find("password")
    await given.put(PASSWORD)
    [again] = await given.find("password")

    assert articles(without) == ["B"]
    assert again[0].passage.article == "A"


async def test_a_tenant_finds_its_own_only(given: Given) -> None:
    await given.put(PASSWORD)
    await given.put(FLOW, organization=OTHER_ORGANIZATION)

    [mine] = await given.find("password flow error")
    [theirs] = await given.find("password flow error", organization=OTHER_ORGANIZATION)

    assert (articles(mine), articles(theirs)) == (["A"], ["B"])


@pytest.mark.parametrize(
    ("reach", "scope", "found"),
    [
        (Reach(audience="staff"), TODAY, False),
        (Reach(audience="staff"), replace(TODAY, staff=True), True),
        (Reach(groups=("gold",)), TODAY, False),
        (Reach(groups=("gold",)), replace(TODAY, groups=frozenset({"gold", 'a" or 1 == 1'})), True),
        (Reach(groups=("gold",)), replace(TODAY, groups=frozenset({'x"]) or tenant != "'})), False),
        (Reach(valid_from=date(2026, 5, 2)), TODAY, False),
        (Reach(valid_until=date(2026, 5, 1)), TODAY, True),
        (Reach(valid_until=date(2026, 4, 30)), TODAY, False),
        (Reach(), replace(TODAY, api_version=59), False),
        (Reach(), replace(TODAY, api_version=61), True),
        (Reach(language="de"), replace(TODAY, language="de"), True),
        (Reach(), replace(TODAY, language="de"), False),
        (Reach(), replace(TODAY, product="PLATFORM"), True),
        (Reach(), replace(TODAY, product="Slack"), False),
    ],
)
async def test_a_scope_is_kept_before_ranking(
    given: Given, reach: Reach, scope: Scope, *, found: bool
) -> None:
    await given.put(replace(PASSWORD, reach=reach, api_versions="60+"))

    [hits] = await given.find("password", scope=scope)

    assert bool(hits) is found


async def test_hundreds_of_passages_and_an_identifier_among_them(given: Given) -> None:
    many = [an_article(f"Limit number {n} of the platform.", identity=f"N{n}", title="") for n in range(300)]
    many = [replace(one, title=f"Limit {n}") for n, one in enumerate(many)]
    coded = an_article("Two writers.", identity="CODE", title="UNABLE_TO_LOCK_ROW")
    await given.put(*many, coded)

    [hits] = await given.find("what is UNABLE_TO_LOCK_ROW?")

    assert hits[0].passage.article == "CODE"


async def test_refreshing_again_changes_nothing(given: Given) -> None:
    await given.put(PASSWORD)

    assert not await given.refresh(ORGANIZATION)


async def test_a_first_time_that_failed_half_way_leaves_nothing_behind(
    app_pool: AsyncEngine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Milvus has no transactions: passages of articles that went before it worked must not stay."""

    class Breaking(MilvusIndex):
        def _count(self, filtered: str) -> int:
            raise MilvusException(1, "lost")

    units, log, embedder = PostgresUnits(app_pool), PostgresPassages(app_pool), BagOfWordsEmbedder()
    ingest, place = IngestArticles(units, embedder), str(tmp_path_factory.mktemp("milvus") / "index.db")
    await ingest(Ingest(ORGANIZATION, [PASSWORD, FLOW]))
    broken = Breaking(place, log)
    with pytest.raises(Unavailable, match="lost"):
        await broken.refresh(ORGANIZATION)
    broken.close()
    async with units(ORGANIZATION) as unit:
        await unit.knowledge.put([], [FLOW.id])
        await unit.commit()

    index = MilvusIndex(place, log)
    await index.refresh(ORGANIZATION)
    query = Query("fault path of a flow", await embedder.embed("fault path of a flow"))
    [hits] = await index.search(ORGANIZATION, 0, [query], TODAY, 5)

    assert "B" not in articles(hits)
    index.close()


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="Milvus does not answer"):
        MilvusIndex("http://127.0.0.1:9", object())  # type: ignore[arg-type]  # never asked


async def test_tenants_that_were_not_asked_lately_make_room(app_pool: AsyncEngine) -> None:
    units, log = PostgresUnits(app_pool), PostgresPassages(app_pool)
    index, embedder = MemoryIndex(log, log, 1), BagOfWordsEmbedder()
    for organization in (ORGANIZATION, OTHER_ORGANIZATION):
        await IngestArticles(units, embedder)(Ingest(organization, [PASSWORD]))
    query = Query("password", await embedder.embed("password"))

    for organization in (ORGANIZATION, OTHER_ORGANIZATION, ORGANIZATION):
        [hits] = await index.search(organization, 1, [query], TODAY, 5)
        assert hits[0].passage.article == "A"
        assert index.version_of(organization) > 0
    assert index.version_of(OTHER_ORGANIZATION) == 0


async def test_a_stored_snapshot_and_what_changed_since_are_the_index(app_pool: AsyncEngine) -> None:
    units, log, embedder = PostgresUnits(app_pool), PostgresPassages(app_pool), BagOfWordsEmbedder()
    ingest, store = IngestArticles(units, embedder), StoreIndex(log, log)
    many = [an_article(f"Limit number {n}.", identity=f"S{n}", title=f"Limit {n}") for n in range(60)]
    await ingest(Ingest(ORGANIZATION, many))
    assert await store(ORGANIZATION)
    stored = await log.described(ORGANIZATION, FORMAT)
    assert stored is not None
    later = an_article("A hologram.", identity="LATER", title="Later")
    await ingest(Ingest(ORGANIZATION, [later]))

    assert not await store(ORGANIZATION)  # one article in sixty is not worth writing all again
    held = await MemoryIndex(log, log, 2**30).at(ORGANIZATION, 0)

    assert held.version > stored[0]
    query = Query("hologram", await embedder.embed("hologram"))
    assert held.index.search(query, TODAY)[0].passage.article == "LATER"


async def test_an_older_index_answers_while_a_newer_one_takes_long(app_pool: AsyncEngine) -> None:
    log, embedder = PostgresPassages(app_pool), BagOfWordsEmbedder()
    ingest = IngestArticles(PostgresUnits(app_pool), embedder)
    await ingest(Ingest(ORGANIZATION, [replace(PASSWORD, body="The old one.")]))
    index = MemoryIndex(log, log, 2**30, patience=0.0)
    before = await index.at(ORGANIZATION, 0)
    await ingest(Ingest(ORGANIZATION, [replace(PASSWORD, body="The new one.")]))
    query = Query("password", await embedder.embed("password"))

    [meanwhile] = await index.search(ORGANIZATION, before.version + 1, [query], TODAY, 5)
    await index.at(ORGANIZATION, before.version + 1, newest=True)
    [after] = await index.search(ORGANIZATION, before.version + 1, [query], TODAY, 5)

    assert "The old one." in {hit.passage.body for hit in meanwhile}
    assert "The new one." in {hit.passage.body for hit in after}


async def test_a_large_index_is_searched_beside_the_event_loop(
    app_pool: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, embedder = PostgresPassages(app_pool), BagOfWordsEmbedder()
    await IngestArticles(PostgresUnits(app_pool), embedder)(Ingest(ORGANIZATION, [PASSWORD]))
    query = Query("password", await embedder.embed("password"))
    [small] = await MemoryIndex(log, log, 2**30).search(ORGANIZATION, 1, [query], TODAY, 5)
    index = MemoryIndex(log, log, 2**30, large=0)
    await index.at(ORGANIZATION, 1)
    used: list[object] = []
    real = asyncio.to_thread

    async def to_thread(function: Callable[..., object], *given: object) -> object:
        used.append(function)
        return await real(function, *given)

    monkeypatch.setattr("adapters.memory.asyncio.to_thread", to_thread)
    [large] = await index.search(ORGANIZATION, 1, [query], TODAY, 5)

    assert large == small
    assert len(used) == 1
