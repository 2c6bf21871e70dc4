"""Knowledge that outgrows memory, in Milvus: Milvus Lite in a file, or a Milvus server by its address.

Passages of all tenants lie in one collection, partitioned by tenant; every search is bound to one. Dense and
sparse vectors are searched there, and both lists are fused here, as in memory. The sparse vector of a passage
holds the frequency part of BM25, that of a question the inverse document frequencies, so that their inner
product is the score; the average length is taken to be fixed. Only `refresh` writes, one worker at a time.
"""

import asyncio
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from pymilvus import (  # type: ignore[import-untyped]  # has no stubs
    DataType,
    MilvusClient,
    MilvusException,
)

from domain.ids import OrganizationId
from domain.nlu.text import terms, vocabulary
from domain.retrieval.hybrid import CANDIDATES, Query, fuse, query_terms
from domain.retrieval.lexical import K1, B, covered, information
from domain.retrieval.passages import Hit, Passage
from domain.retrieval.scope import STAFF, Scope
from domain.versions import NEWEST, valid_for
from ports.errors import Unavailable
from ports.outbound.knowledge import Changes, Index, PassageLog

PASSAGES, TENANTS = "casepilot_passages", "casepilot_tenants"
AVERAGE = 60.0
"""Terms of a passage, on average: fixed, so that adding one does not change all others."""
BATCH = 500
MAX_BODY = 15_000
"""Characters of a passage that are kept: what surely fits a field of 65,535 bytes."""
ALWAYS = 9_999_999
"""A day after all others."""
RETRY_AFTER = 5

Row = Mapping[str, Any]


class MilvusIndex(Index):
    """Searches in Milvus; `refresh` brings it to the newest version."""

    def __init__(self, uri: str, log: PassageLog, token: str = "") -> None:
        """Raises `Unavailable` when nothing answers at the address."""
        self._log = log
        self._counts: dict[tuple[OrganizationId, int], dict[str, int]] = {}
        try:
            self._client = MilvusClient(uri, token=token)
            self._prepare()
        except (MilvusException, OSError) as error:
            raise _unavailable(error) from error

    async def search(
        self,
        organization: OrganizationId,
        version: int,  # noqa: ARG002  # what `refresh` has brought in so far is searched, at most seconds behind
        queries: Sequence[Query],
        scope: Scope,
        count: int,
    ) -> Sequence[tuple[Hit, ...]]:
        return await asyncio.to_thread(self._search, organization, queries, scope, count)

    async def refresh(self, organization: OrganizationId) -> bool:
        """Take in what changed; whether anything did. Raises `Unavailable`."""
        version, _ = await asyncio.to_thread(self._standing, organization)
        changes = await self._log.since(organization, version)
        if changes.version == version:
            return False
        await asyncio.to_thread(self._take_in, organization, version, changes)
        return True

    def close(self) -> None:
        """Let the connection go."""
        self._client.close()

    def _search(
        self, organization: OrganizationId, queries: Sequence[Query], scope: Scope, count: int
    ) -> list[tuple[Hit, ...]]:
        try:
            version, size = self._standing(organization)
            return [self._one((organization, version), size, query, scope, count) for query in queries]
        except (MilvusException, OSError) as error:
            raise _unavailable(error) from error

    def _one(
        self, tenant: tuple[OrganizationId, int], size: int, query: Query, scope: Scope, count: int
    ) -> tuple[Hit, ...]:
        asked = query_terms(query.text)
        weights = self._information(tenant, size, asked)
        filtered = _filter(tenant[0], scope)
        found = {row["id"]: row for row in self._near("dense", query.vector.tolist(), filtered)}
        sparse = {_place(term): weight * asked.count(term) for term, weight in weights.items() if weight}
        if sparse:
            found |= {row["id"]: row for row in self._near("sparse", sparse, filtered)}
        if not found:
            return ()
        passages = [msgspec.convert(row["entity"]["passage"], Passage) for row in found.values()]
        vectors = np.array([row["entity"]["dense"] for row in found.values()], np.float32)
        bm25 = np.array([_bm25(asked, weights, passage) for passage in passages])
        cosines = np.asarray(vectors @ query.vector, np.float32)
        fused = fuse(bm25, cosines)
        order = np.argsort(-fused, kind="stable")[:count].tolist()
        hits = [_hit(passages[n], (fused[n], bm25[n], cosines[n]), asked, weights) for n in order]
        best = passages[order[0]]
        if not any(h.passage.article == best.article and h.passage.number == 0 for h in hits):
            hits += self._opening(tenant[0], best, query, asked, weights)
        return tuple(hits)

    def _near(self, field: str, vector: object, filtered: str) -> list[Any]:
        [found] = self._client.search(
            PASSAGES,
            data=[vector],
            anns_field=field,
            limit=CANDIDATES,
            filter=filtered,
            output_fields=["passage", "dense"],
        )
        return list(found)

    def _opening(
        self,
        organization: OrganizationId,
        passage: Passage,
        query: Query,
        asked: Sequence[str],
        weights: Mapping[str, float],
    ) -> list[Hit]:
        filtered = f"{_tenant(organization)} and article == {_quoted(passage.article)} and number == 0"
        rows = self._client.query(PASSAGES, filter=filtered, output_fields=["passage", "dense"], limit=1)
        return [
            _hit(
                found := msgspec.convert(row["passage"], Passage),
                (0.0, _bm25(asked, weights, found), float(np.array(row["dense"], np.float32) @ query.vector)),
                asked,
                weights,
            )
            for row in rows
        ]

    def _information(
        self, tenant: tuple[OrganizationId, int], size: int, asked: Sequence[str]
    ) -> dict[str, float]:
        """How much each term of a question tells; counted once a term and version."""
        if tenant not in self._counts and len(self._counts) >= BATCH:
            self._counts.clear()
        counts = self._counts.setdefault(tenant, {})
        for term in {*asked} - counts.keys():
            filtered = f"{_tenant(tenant[0])} and array_contains(terms, {_quoted(term)})"
            counts[term] = self._count(filtered)
        return {term: information(size, counts[term]) for term in asked}

    def _standing(self, organization: OrganizationId) -> tuple[int, int]:
        """The version that was taken in, and the passages it has; zeros before the first."""
        rows = self._client.query(
            TENANTS, filter=_tenant(organization), output_fields=["version", "size"], limit=1
        )
        return (int(rows[0]["version"]), int(rows[0]["size"])) if rows else (0, 0)

    def _take_in(self, organization: OrganizationId, since: int, changes: Changes) -> None:
        """Write what changed; done again after it failed half-way it comes to the same."""
        tenant = _tenant(organization)
        gone = sorted({*changes.gone, *(passage.article for passage in changes.passages)})
        try:
            if self._standing(organization)[0] != since:
                raise Unavailable("Another worker brings this tenant's knowledge into Milvus.", RETRY_AFTER)
            if not since:  # what a first time left behind that failed
                self._client.delete(PASSAGES, filter=tenant)
            for start in range(0, len(gone), BATCH):
                names = ", ".join(_quoted(name) for name in gone[start : start + BATCH])
                self._client.delete(PASSAGES, filter=f"{tenant} and article in [{names}]")
            rows = [_row(organization, *pair) for pair in zip(changes.passages, changes.vectors, strict=True)]
            for start in range(0, len(rows), BATCH):
                self._client.upsert(PASSAGES, rows[start : start + BATCH])
            standing = {
                "id": str(organization),
                "tenant": str(organization),
                "version": changes.version,
                "size": self._count(tenant),
                "nothing": [0.0, 1.0],
            }
            self._client.upsert(TENANTS, [standing])
        except (MilvusException, OSError) as error:
            raise _unavailable(error) from error

    def _count(self, filtered: str) -> int:
        [row] = self._client.query(PASSAGES, filter=filtered, output_fields=["count(*)"])
        return int(row["count(*)"])

    def _prepare(self) -> None:
        if not self._client.has_collection(PASSAGES):
            schema = self._client.create_schema(auto_id=False)
            schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=700)
            schema.add_field("tenant", DataType.VARCHAR, max_length=36, is_partition_key=True)
            schema.add_field("article", DataType.VARCHAR, max_length=600)
            schema.add_field("number", DataType.INT64)
            for name in ("product", "language", "audience"):
                schema.add_field(name, DataType.VARCHAR, max_length=400)
            schema.add_field("valid_from", DataType.INT64)
            schema.add_field("valid_until", DataType.INT64)
            for name, length in (("groups", 256), ("terms", 400)):
                schema.add_field(
                    name,
                    DataType.ARRAY,
                    element_type=DataType.VARCHAR,
                    max_capacity=4_096,
                    max_length=length,
                )
            schema.add_field("versions", DataType.ARRAY, element_type=DataType.INT64, max_capacity=NEWEST)
            schema.add_field("passage", DataType.JSON)
            schema.add_field("dense", DataType.FLOAT_VECTOR, dim=384)
            schema.add_field("sparse", DataType.SPARSE_FLOAT_VECTOR)
            indexes = self._client.prepare_index_params()
            indexes.add_index("dense", index_type="AUTOINDEX", metric_type="IP")
            indexes.add_index("sparse", index_type="SPARSE_INVERTED_INDEX", metric_type="IP")
            self._client.create_collection(
                PASSAGES, schema=schema, index_params=indexes, consistency_level="Strong"
            )
        if not self._client.has_collection(TENANTS):
            schema = self._client.create_schema(auto_id=False)
            schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=36)
            schema.add_field("tenant", DataType.VARCHAR, max_length=36)
            schema.add_field("version", DataType.INT64)
            schema.add_field("size", DataType.INT64)
            schema.add_field("nothing", DataType.FLOAT_VECTOR, dim=2)  # a collection has a vector field
            indexes = self._client.prepare_index_params()
            indexes.add_index("nothing", index_type="AUTOINDEX", metric_type="IP")
            self._client.create_collection(
                TENANTS, schema=schema, index_params=indexes, consistency_level="Strong"
            )


def _row(organization: OrganizationId, passage: Passage, vector: NDArray[np.float32]) -> dict[str, object]:
    held = terms(passage.indexed)
    reach, versions = passage.reach, valid_for(passage.api_versions)
    kept = msgspec.structs.replace(passage, body=passage.body[:MAX_BODY])
    return {
        "id": f"{organization}:{passage.id}",
        "tenant": str(organization),
        "article": passage.article,
        "number": passage.number,
        "product": passage.product.casefold(),
        "language": reach.language,
        "audience": reach.audience,
        "groups": list(reach.groups),
        "valid_from": reach.valid_from.toordinal() if reach.valid_from else 0,
        "valid_until": reach.valid_until.toordinal() if reach.valid_until else ALWAYS,
        "versions": [version for version in range(1, NEWEST) if versions.spans and version in versions],
        "terms": sorted({term[:100] for term in held})[:4_096],
        "passage": msgspec.to_builtins(kept),
        "dense": vector.tolist(),
        "sparse": {_place(t): _frequency(n, len(held)) for t, n in Counter(held).items()} or {0: 0.0001},
    }


def _filter(organization: OrganizationId, scope: Scope) -> str:
    """The scope in Milvus' own words; every part is one of `Scope.admits`."""
    today = scope.day.toordinal()
    parts = [_tenant(organization), f"valid_from <= {today}", f"valid_until >= {today}"]
    if not scope.staff:
        parts.append(f"audience != {_quoted(STAFF)}")
    groups = ", ".join(_quoted(one) for one in sorted(scope.groups))
    open_to_all = "array_length(groups) == 0"
    parts.append(f"({open_to_all} or array_contains_any(groups, [{groups}]))" if groups else open_to_all)
    if scope.api_version is not None:
        parts.append(f"(array_length(versions) == 0 or array_contains(versions, {scope.api_version}))")
    if scope.language is not None:
        parts.append(f"language == {_quoted(scope.language)}")
    if scope.product is not None:
        parts.append(f"product == {_quoted(scope.product.casefold())}")
    return " and ".join(parts)


def _hit(
    passage: Passage,
    figures: tuple[float, float, float],
    asked: Sequence[str],
    weights: Mapping[str, float],
) -> Hit:
    score, bm25, cosine = (round(float(one), 4) for one in figures)
    return Hit(passage, score, bm25, cosine, round(covered(weights, asked, vocabulary(passage.indexed)), 4))


def _bm25(asked: Sequence[str], weights: Mapping[str, float], passage: Passage) -> float:
    held = Counter(terms(passage.indexed))
    return sum(weights[term] * _frequency(held[term], held.total()) for term in asked if term in held)


def _frequency(times: int, length: int) -> float:
    return times * (K1 + 1) / (times + K1 * (1 - B + B * length / AVERAGE))


def _place(term: str) -> int:
    """The dimension of a term; two terms share one in four billion."""
    return zlib.crc32(term.encode())


def _tenant(organization: OrganizationId) -> str:
    return f'tenant == "{organization}"'


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()


def _unavailable(error: Exception) -> Unavailable:
    return Unavailable(f"Milvus does not answer: {error}", RETRY_AFTER)
