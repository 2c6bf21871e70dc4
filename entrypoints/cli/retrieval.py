"""`casepilot eval retrieval`: ranking quality on a folder in BEIR's format."""

import asyncio
import csv
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean, median
from time import perf_counter
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from adapters.embedding import MiniLmEmbedder, prepare
from domain.errors import DataFileError
from domain.ids import ArticleId
from domain.retrieval.hybrid import HybridIndex, Query
from domain.retrieval.measures import ndcg, recall
from domain.retrieval.passages import Passage
from entrypoints.cli.output import progress, show

DEEP = 100
"""Places that are ranked."""


class Document(Struct, frozen=True, rename={"id": "_id"}):
    """A document or a query of BEIR (Thakur et al., NeurIPS 2021)."""

    id: str
    text: str
    title: str = ""


def evaluate(folder: Path, split: str, cache: Path) -> dict[str, Any]:
    """Index the corpus, rank for every judged query. Raises `DataFileError`."""
    judged = _judgements(folder / "qrels" / f"{split}.tsv")
    queries = {one.id: one.text for one in _documents(folder / "queries.jsonl") if one.id in judged}
    corpus = list(_documents(folder / "corpus.jsonl"))
    if not queries or not corpus:
        raise DataFileError("empty_set", f"{folder}: no documents, or no judged query.")
    return asyncio.run(_measured(corpus, queries, judged, cache))


def print_table(found: Mapping[str, Any]) -> None:
    """The figures for people."""
    show(f"{found['documents']:,} documents, {found['queries']:,} judged queries")
    show(f"{'':<10}{'nDCG@10':>9}{'recall@10':>11}{'recall@100':>12}{'ms a query':>12}")
    for method in ("bm25", "vectors", "hybrid"):
        row = found[method]
        measures = f"{row['ndcg@10']:>9.1f}{row['recall@10']:>11.1f}{row['recall@100']:>12.1f}"
        show(f"{method:<10}{measures}{row['ms_p50']:>12.2f}")
    show("Vectors and hybrid with the embedding of the question.")


async def _measured(
    corpus: list[Document], queries: Mapping[str, str], judged: Mapping[str, Mapping[str, int]], cache: Path
) -> dict[str, Any]:
    embedder = MiniLmEmbedder(await asyncio.to_thread(prepare, cache))
    passages = [Passage(ArticleId(one.id), 0, one.title, "", one.text, "general") for one in corpus]
    with progress() as bar:
        task = bar.add_task("Embedding", total=len(corpus))
        vectors = await embedder.embed_all(
            [passage.indexed for passage in passages], lambda done: bar.update(task, completed=done)
        )
        bar.update(task, description="Indexing")
        index = HybridIndex(passages, vectors)
        ids = [str(passage.article) for passage in passages]
        rows = defaultdict[str, list[tuple[float, float, float, float]]](list)
        bar.update(task, description="Ranking", total=len(queries), completed=0)
        for number, (name, text) in enumerate(queries.items(), 1):
            began = perf_counter()
            vector = await embedder.embed(text)
            embedding = perf_counter() - began
            for method, (rank, before) in _methods(index, Query(text, vector), embedding).items():
                began = perf_counter()
                ranked = [ids[place] for place in rank().tolist()]
                spent = before + perf_counter() - began
                one = judged[name]
                found = ndcg(ranked, one), recall(ranked, one, 10), recall(ranked, one, DEEP)
                rows[method].append((*found, spent))
            bar.update(task, completed=number)
    embedder.close()
    return {"documents": len(corpus), "queries": len(queries), **{m: _summary(r) for m, r in rows.items()}}


def _methods(
    index: HybridIndex, query: Query, embedding: float
) -> dict[str, tuple[Callable[[], NDArray[np.int64]], float]]:
    """How to rank by each method, and the seconds that its embedding took before."""
    return {
        "bm25": (lambda: index.by_words(query.text, DEEP), 0.0),
        "vectors": (lambda: index.by_meaning(query.vector, DEEP), embedding),
        "hybrid": (lambda: index.by_both(query, DEEP), embedding),
    }


def _summary(rows: Sequence[tuple[float, float, float, float]]) -> dict[str, float]:
    *measures, spent = zip(*rows, strict=True)
    names = ("ndcg@10", "recall@10", f"recall@{DEEP}")
    found = {name: round(100 * mean(values), 2) for name, values in zip(names, measures, strict=True)}
    return {**found, "ms_p50": round(1e3 * median(spent), 3)}


def _documents(path: Path) -> Iterator[Document]:
    decoder = msgspec.json.Decoder(Document)
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    yield decoder.decode(line)
                except msgspec.DecodeError as error:
                    raise DataFileError("bad_line", f"{path}, line {number}: {error}.") from error
    except OSError as error:
        raise DataFileError("unreadable", f"{path}: {error.strerror or error}.") from error


def _judgements(path: Path) -> dict[str, dict[str, int]]:
    """Grades by query and document; the first line is a heading."""
    judged: defaultdict[str, dict[str, int]] = defaultdict(dict)
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            rows = csv.reader(lines, delimiter="\t")
            next(rows, None)
            for query, document, grade in rows:
                judged[query][document] = int(grade)
    except OSError as error:
        raise DataFileError("unreadable", f"{path}: {error.strerror or error}.") from error
    except (ValueError, csv.Error) as error:
        raise DataFileError(
            "bad_line", f"{path}: {error}; query, document and grade are expected."
        ) from error
    return judged
