"""`casepilot eval retrieval`: ranking quality on a folder in BEIR's format."""

import asyncio
import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import mean
from time import perf_counter
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from adapters.embedding import MiniLmEmbedder, prepare
from domain.errors import DataFileError
from domain.ids import ArticleId
from domain.retrieval.hybrid import HybridIndex
from domain.retrieval.measures import ndcg, recall
from domain.retrieval.passages import Passage
from entrypoints.cli.output import progress, show

DEEP = 100
"""Places that are ranked."""
METHODS = ("bm25", "vectors", "hybrid")


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
    show(f"{'':<10}{'nDCG@10':>9}{'recall@10':>11}{'recall@100':>12}")
    for method in METHODS:
        row = found[method]
        show(f"{method:<10}{row['ndcg_10']:>9.1f}{row['recall_10']:>11.1f}{row['recall_100']:>12.1f}")
    times = f"{found['ms_query']:.1f} ms a query, its embedding {found['ms_embedding']:.1f} ms"
    show(f"All three rankings: {times}.")


async def _measured(
    corpus: list[Document], queries: Mapping[str, str], judged: Mapping[str, Mapping[str, int]], cache: Path
) -> dict[str, Any]:
    embedder = MiniLmEmbedder(await asyncio.to_thread(prepare, cache))
    passages = [Passage(ArticleId(one.id), 0, one.title, "", one.text, "general") for one in corpus]
    with progress() as bar:
        task = bar.add_task("Embedding", total=len(corpus))
        vectors = await embedder.embed_all(
            [passage.text for passage in passages], lambda done: bar.update(task, completed=done)
        )
        bar.update(task, description="Indexing")
        index = HybridIndex(passages, vectors)
        scores: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in METHODS}
        ranking, embedding = [], []
        bar.update(task, description="Ranking", total=len(queries), completed=0)
        for number, (name, text) in enumerate(queries.items(), 1):
            began = perf_counter()
            vector = await embedder.embed(text)
            embedded = perf_counter()
            ranked = index.ranked(text, vector, DEEP)
            ranking.append(perf_counter() - embedded)
            embedding.append(embedded - began)
            for method, places in ranked.items():
                ids = [str(passages[place].article) for place in places.tolist()]
                scores[method]["ndcg_10"].append(ndcg(ids, judged[name]))
                scores[method]["recall_10"].append(recall(ids, judged[name], 10))
                scores[method]["recall_100"].append(recall(ids, judged[name], DEEP))
            bar.update(task, completed=number)
    embedder.close()
    return {
        "documents": len(corpus),
        "queries": len(queries),
        **{
            method: {measure: round(100 * mean(values), 2) for measure, values in by_measure.items()}
            for method, by_measure in scores.items()
        },
        "ms_query": round(1e3 * float(np.median(ranking)), 2),
        "ms_embedding": round(1e3 * float(np.median(embedding)), 2),
    }


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
