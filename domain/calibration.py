"""Does a confidence mean what it says: reliability, and the threshold that an error budget buys."""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

BINS = 10

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Bin(Struct, frozen=True):
    """Answers with a confidence from `low` to `high`: how many, their mean confidence, the share right."""

    low: float
    high: float
    count: int
    confidence: float
    right: float


def reliability(confidences: Floats, right: Flags, bins: int = BINS) -> list[Bin]:
    """Equal-width bins of confidence that have answers (a reliability diagram; Murphy and Winkler, 1977)."""
    places = np.minimum((confidences * bins).astype(int), bins - 1)
    return [
        Bin(
            place / bins,
            (place + 1) / bins,
            int(chosen.sum()),
            float(confidences[chosen].mean()),
            float(right[chosen].mean()),
        )
        for place in range(bins)
        if (chosen := places == place).any()
    ]


def expected_calibration_error(confidences: Floats, right: Flags) -> float:
    """The mean gap of confidence and share right over bins, weighted by size (Naeini et al., AAAI 2015)."""
    total = len(confidences)
    return sum(b.count / total * abs(b.confidence - b.right) for b in reliability(confidences, right))


def brier(confidences: Floats, right: Flags) -> float:
    """The mean squared gap of confidence and truth, 0..1 (Brier, 1950)."""
    return float(np.mean((confidences - right) ** 2))


class Budget(Struct, frozen=True):
    """What an error budget comes to on labelled answers.

    At `threshold` and above it is answered: `coverage` of the questions, `wrong` of these answers, with
    95% intervals. `threshold` above 1 means: no threshold keeps the budget, nothing is answered.
    """

    budget: float
    threshold: float
    coverage: float
    coverage_low: float
    coverage_high: float
    wrong: float
    wrong_low: float
    wrong_high: float
    labels: int


def within_budget(confidences: Floats, right: Flags, budget: float) -> Budget:
    """The lowest threshold that keeps the share of questions answered wrongly within `budget`.

    Conformal risk control (Angelopoulos et al., ICLR 2024): the loss of a question is 1 if it is answered
    and wrong; it only falls as the threshold rises, so the lowest threshold t with
    (n R(t) + 1) / (n + 1) <= budget keeps the expected loss of the next question within the budget.
    """
    n = len(confidences)
    order = np.argsort(-confidences, kind="stable")
    sorted_confidences, wrong = confidences[order], ~right[order]
    losses = (np.cumsum(wrong) + 1) / (n + 1)
    ends = np.append(sorted_confidences[1:] != sorted_confidences[:-1], True) if n else np.zeros(0, bool)
    kept = np.flatnonzero(ends & (losses <= budget))
    answered = int(kept[-1]) + 1 if kept.size else 0
    threshold = float(sorted_confidences[answered - 1]) if answered else 1.01
    mistakes = int(wrong[:answered].sum())
    coverage_low, coverage_high = wilson(answered, n)
    wrong_low, wrong_high = wilson(mistakes, answered)
    return Budget(
        budget,
        threshold,
        answered / n if n else 0.0,
        coverage_low,
        coverage_high,
        mistakes / answered if answered else 0.0,
        wrong_low,
        wrong_high,
        n,
    )


def wilson(hits: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """The interval of a share (Wilson, 1927); 0 to 1 without anything."""
    if not total:
        return 0.0, 1.0
    share = hits / total
    centre = share + z * z / (2 * total)
    spread = z * float(np.sqrt(share * (1 - share) / total + z * z / (4 * total * total)))
    scale = 1 + z * z / total
    low, high = (centre - spread) / scale, (centre + spread) / scale
    return max(0.0, min(low, share)), min(1.0, max(high, share))
