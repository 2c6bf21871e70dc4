"""How good a ranking is, by graded judgements."""

import math
from collections.abc import Mapping, Sequence


def ndcg(ranked: Sequence[str], judged: Mapping[str, int], count: int = 10) -> float:
    """Normalised discounted cumulative gain of the first `count`, 0..1, with linear gains as in trec_eval.

    Jarvelin and Kekalainen, Cumulated gain-based evaluation of IR techniques, TOIS 2002.
    """
    gained = _discounted([judged.get(name, 0) for name in ranked[:count]])
    ideal = _discounted(sorted(judged.values(), reverse=True)[:count])
    return gained / ideal if ideal else 0.0


def recall(ranked: Sequence[str], judged: Mapping[str, int], count: int) -> float:
    """The share of relevant documents among the first `count`, 0..1."""
    relevant = {name for name, grade in judged.items() if grade > 0}
    return len(relevant & set(ranked[:count])) / len(relevant) if relevant else 0.0


def _discounted(gains: Sequence[int]) -> float:
    return math.fsum(max(0, gain) / math.log2(place + 2) for place, gain in enumerate(gains))
