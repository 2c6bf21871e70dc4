"""Fits the relevance model of adapters/starter/data/thresholds.toml on tests/data/questions.toml.

Run: python -m ops.bench.fit_relevance. Prints the TOML to paste, and how well it separates answerable
questions from off-topic ones (leave-one-fifth-out).
"""

import asyncio
import tomllib
from datetime import date
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

from adapters.embedding import MiniLmEmbedder, prepare
from adapters.starter import loader
from domain.retrieval.chunking import passages
from domain.retrieval.hybrid import HybridIndex, Query
from domain.retrieval.scope import Scope

QUESTIONS = Path("tests/data/questions.toml")
TODAY = Scope(date(2026, 1, 1))


async def features(asked: list[dict[str, str]]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """(cosine, coverage) of each question's best hit, whether it is answerable, notes on wrong hits."""
    embedder = MiniLmEmbedder(prepare(Path(".cache/models")), threads=2)
    found = [p for article in loader.articles() for p in passages(article)]
    index = HybridIndex(found, await embedder.embed_all([p.indexed for p in found]))
    rows, labels, notes = [], [], []
    for question in asked:
        hit = index.search(Query(question["text"], await embedder.embed(question["text"])), TODAY)[0]
        rows.append([hit.cosine, hit.coverage])
        labels.append(question["kind"] == "answerable")
        if labels[-1] and hit.passage.category != question["category"]:
            notes.append(f"{question['category']}: {question['text'][:80]!r} -> {hit.passage.title}")
    return np.array(rows), np.array(labels), notes


def main() -> None:
    """Fit and print."""
    asked = tomllib.loads(QUESTIONS.read_text(encoding="utf-8"))["question"]
    x, y, notes = asyncio.run(features(asked))
    model = LogisticRegression(C=100.0)
    held_out = cross_val_predict(model, x, y, cv=5, method="predict_proba")[:, 1]
    model.fit(x, y)
    for floor in (0.3, 0.4, 0.5, 0.6, 0.7):
        answered, wrongly = (held_out[y] >= floor).mean(), (held_out[~y] >= floor).mean()
        print(f"# floor {floor}: answers {answered:.1%} of answerable, {wrongly:.1%} of off-topic")
    print(
        f"# AUROC {roc_auc_score(y, held_out):.3f}; best hit in another category: {len(notes)} of {y.sum()}"
    )
    for note in notes:
        print("#  ", note)
    for name, weight in zip(
        ("bias", "cosine", "coverage"), (model.intercept_[0], *model.coef_[0]), strict=True
    ):
        print(f"{name} = {weight:.2f}")


if __name__ == "__main__":
    main()
