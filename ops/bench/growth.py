"""How search grows with the number of passages: time of a query, of an edit and of loading, memory, build.

Run: python -m ops.bench.growth. Writes ops/bench/growth.json and ops/bench/growth.svg. Passages are 60 words
drawn by Zipf's law, vectors are random.
"""

import gc
import json
import random
from pathlib import Path
from statistics import median
from time import perf_counter

import bm25s  # type: ignore[import-untyped]  # has no stubs
import numpy as np

from adapters.embedding import DIMENSIONS
from domain.ids import ArticleId
from domain.retrieval.hybrid import HybridIndex, Query
from domain.retrieval.passages import Passage
from domain.retrieval.snapshot import packed, unpacked
from ops.bench.retrieval import EVERYTHING, FOUND, QUERY, WORDS, drawn

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)
QUERIES = 30
HERE = Path(__file__).parent
SERIES = {
    "bm25_ms": ("BM25", "#0b5fff"),
    "bm25s_ms": ("bm25s", "#9a6bff"),
    "hybrid_ms": ("hybrid, without embedding", "#00875a"),
    "edit_ms": ("taking in one edit", "#d9480f"),
    "load_ms": ("loading a snapshot", "#868e96"),
}
WIDTH, HEIGHT, LEFT, BOTTOM, LINE = 760, 440, 70, 50, 14


def main() -> None:
    """Measure, write, print."""
    rows = [measure(size) for size in SIZES]
    (HERE / "growth.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    (HERE / "growth.svg").write_text(plot(rows), encoding="utf-8")
    for row in rows:
        print(row)


def measure(size: int) -> dict[str, float]:
    """The figures of one size, in milliseconds, seconds and megabytes."""
    draw = random.Random(size)  # noqa: S311  # data, not a secret
    documents = [drawn(draw, WORDS) for _ in range(size)]
    questions = [drawn(draw, QUERY) for _ in range(QUERIES)]
    noise = np.random.default_rng(size).standard_normal((size, DIMENSIONS), dtype=np.float32)
    vectors = noise / np.linalg.norm(noise, axis=1, keepdims=True)
    passages = [
        Passage(ArticleId(str(n)), 0, "", "", " ".join(words), "") for n, words in enumerate(documents)
    ]
    began = perf_counter()
    index = HybridIndex(passages, vectors)
    built = perf_counter() - began
    other = bm25s.BM25(k1=1.5, b=0.75)
    other.index(documents, show_progress=False)
    queries = [Query(" ".join(words), vectors[n]) for n, words in enumerate(questions)]
    edit = Passage(ArticleId("0"), 0, "", "", "an edited passage", "")
    began = perf_counter()
    index.changed([ArticleId("0")], [edit], vectors[:1])
    edited = perf_counter() - began
    data = packed(index)
    began = perf_counter()
    unpacked(data)
    loaded = perf_counter() - began
    found = {
        "passages": size,
        "bm25_ms": _ms([lambda q=q: index.by_words(q.text, FOUND) for q in queries]),
        "bm25s_ms": _ms([lambda q=q: other.retrieve([q], k=FOUND, show_progress=False) for q in questions]),
        "hybrid_ms": _ms([lambda q=q: index.search(q, EVERYTHING) for q in queries]),
        "edit_ms": round(1e3 * edited, 2),
        "load_ms": round(1e3 * loaded, 2),
        "build_s": round(built, 2),
        "memory_mb": round(index.nbytes / 1e6, 1),
        "snapshot_mb": round(len(data) / 1e6, 1),
    }
    gc.collect()
    return found


def plot(rows: list[dict[str, float]]) -> str:
    """Milliseconds by passages, both logarithmic."""

    def x(size: float) -> float:
        low, high = np.log10(SIZES[0]), np.log10(SIZES[-1])
        return LEFT + (np.log10(size) - low) / (high - low) * (WIDTH - LEFT - 190)

    def y(ms: float) -> float:
        low, high = -2.0, 4.0
        return HEIGHT - BOTTOM - (np.log10(max(ms, 0.01)) - low) / (high - low) * (HEIGHT - BOTTOM - 20)

    about = "xmlns='http://www.w3.org/2000/svg' font-family='sans-serif' font-size='12'"
    parts = [
        f"<svg {about} viewBox='0 0 {WIDTH} {HEIGHT}'><title>Search time by number of passages</title>",
        f"<rect width='{WIDTH}' height='{HEIGHT}' fill='white'/>",
        f"<text x='{(WIDTH - 120) / 2}' y='{HEIGHT - 6}' text-anchor='middle'>passages</text>",
    ]
    for power in range(-2, 5):
        at = y(10**power)
        parts += [
            f"<line x1='{LEFT}' x2='{WIDTH - 190}' y1='{at:.1f}' y2='{at:.1f}' stroke='#ddd'/>",
            f"<text x='{LEFT - 8}' y='{at + 4:.1f}' text-anchor='end'>{10**power:g} ms</text>",
        ]
    parts += [
        f"<text x='{x(size):.1f}' y='{HEIGHT - 25}' text-anchor='middle'>{size:,}</text>" for size in SIZES
    ]
    ends: list[float] = []
    for name, (label, colour) in sorted(SERIES.items(), key=lambda pair: rows[-1][pair[0]]):
        points = " ".join(f"{x(row['passages']):.1f},{y(row[name]):.1f}" for row in rows)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        end = y(rows[-1][name]) + 4
        while any(abs(end - other) < LINE for other in ends):  # labels do not lie on one another
            end -= 1
        ends.append(end)
        parts.append(f'<text x="{WIDTH - 182}" y="{end:.1f}" fill="{colour}">{label}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _ms(calls: list) -> float:
    spent = []
    for call in calls:
        began = perf_counter()
        call()
        spent.append(perf_counter() - began)
    return round(1e3 * median(spent), 3)


if __name__ == "__main__":
    main()
