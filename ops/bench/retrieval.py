"""`casepilot bench retrieval`: BM25 next to rank_bm25 and bm25s, and hybrid search with its embedding."""

import asyncio
import random
import resource
from collections.abc import Callable, Sequence
from datetime import date
from itertools import accumulate
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import bm25s  # type: ignore[import-untyped]  # has no stubs
import numpy as np
from rank_bm25 import BM25Okapi

from adapters.embedding import DIMENSIONS, MiniLmEmbedder, prepare
from domain.ids import ArticleId
from domain.retrieval.hybrid import HybridIndex, Query
from domain.retrieval.lexical import LexicalIndex, best
from domain.retrieval.passages import Passage
from domain.retrieval.scope import Scope
from entrypoints.embedded import Step

SEED = 2_026
SIZES = (10_000, 100_000)
WORDS = 60
"""Words of a passage."""
VOCABULARY = 40_000
QUERY = 8
QUERIES = 40
SLOW_QUERIES = 5
"""Queries that the slow baseline gets."""
FOUND = 50
CACHE = Path(".cache/models")
EVERYTHING = Scope(date(2026, 1, 1))


def run(step: Step) -> dict[str, Any]:
    """Measure every size; the rankings must agree."""
    figures: dict[str, Any] = {}
    for number, size in enumerate(SIZES):
        step(f"Measuring {size:,} passages", number, len(SIZES))
        one = _measure(size)
        figures[f"passages_{size}"] = one
        figures[f"bm25_vs_rank_bm25_{size}"] = one["vs_rank_bm25"]
        figures[f"bm25_vs_bm25s_{size}"] = one["vs_bm25s"]
        figures[f"hybrid_ms_p50_{size}"] = one["hybrid_ms"]
    step("Measured", len(SIZES), len(SIZES))
    return figures


def _measure(size: int) -> dict[str, Any]:
    draw = random.Random(SEED + size)  # noqa: S311  # data, not a secret
    documents = [drawn(draw, WORDS) for _ in range(size)]
    queries = [drawn(draw, QUERY) for _ in range(QUERIES)]
    before, began = _memory(), perf_counter()
    index = LexicalIndex(documents)
    build = perf_counter() - began
    memory = _memory() - before
    okapi = BM25Okapi(documents)
    other = bm25s.BM25(k1=1.5, b=0.75)
    other.index(documents, show_progress=False)
    for query in queries[:SLOW_QUERIES]:
        np.testing.assert_allclose(index.scores(query), okapi.get_scores(query), rtol=1e-9, atol=1e-9)
    times = {
        "casepilot": _time(lambda query: best(index.scores(query), FOUND), queries),
        "bm25s": _time(lambda query: other.retrieve([query], k=FOUND, show_progress=False), queries),
        "rank_bm25": _time(
            lambda query: np.argsort(-okapi.get_scores(query))[:FOUND], queries[:SLOW_QUERIES]
        ),
    }
    return {
        "ms": {name: round(1e3 * spent, 3) for name, spent in times.items()},
        "vs_rank_bm25": round(times["rank_bm25"] / times["casepilot"], 1),
        "vs_bm25s": round(times["bm25s"] / times["casepilot"], 2),
        "build_s": round(build, 2),
        "memory_mb": round(memory / 1e6),
        **_hybrid(documents, queries),
    }


def _hybrid(documents: Sequence[Sequence[str]], queries: Sequence[Sequence[str]]) -> dict[str, Any]:
    """A whole search, embedding included, over random unit vectors."""
    noise = np.random.default_rng(SEED).standard_normal((len(documents), DIMENSIONS), dtype=np.float32)
    vectors = noise / np.linalg.norm(noise, axis=1, keepdims=True)
    texts = [" ".join(words) for words in documents]
    passages = [Passage(ArticleId(str(n)), 0, "", "", text, "") for n, text in enumerate(texts)]
    before, began = _memory(), perf_counter()
    index = HybridIndex(passages, vectors)
    build, memory = perf_counter() - began, _memory() - before
    embedder = MiniLmEmbedder(prepare(CACHE))

    async def search(query: Sequence[str]) -> None:
        text = " ".join(query)
        index.search(Query(text, await embedder.embed(text)), EVERYTHING)

    with asyncio.Runner() as runner:
        spent = _time(lambda query: runner.run(search(query)), [query[::-1] for query in queries])
    embedder.close()
    return {
        "hybrid_ms": round(1e3 * spent, 2),
        "hybrid_build_s": round(build, 1),
        "hybrid_memory_mb": round(memory / 1e6),
    }


def _time(search: Callable[[Sequence[str]], object], queries: Sequence[Sequence[str]]) -> float:
    """The median of seconds a query."""
    spent = []
    for query in queries:
        began = perf_counter()
        search(query)
        spent.append(perf_counter() - began)
    return median(spent)


WEIGHTS = list(accumulate(1 / (rank + 2.7) for rank in range(VOCABULARY)))
"""Zipf's law with Mandelbrot's shift."""


def drawn(draw: random.Random, count: int) -> list[str]:
    return [f"w{rank}" for rank in draw.choices(range(VOCABULARY), cum_weights=WEIGHTS, k=count)]


def _memory() -> int:
    """Bytes of this process at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024
