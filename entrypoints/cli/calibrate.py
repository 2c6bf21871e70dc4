"""`casepilot confidence`: how sure answers are, fitted and checked on labelled questions."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from domain.answer_measures import Question, contained
from domain.calibration import Bin, Budget, brier, expected_calibration_error, reliability, within_budget
from domain.confidence import CERTAIN, FEATURES, Confidence
from domain.errors import DataFileError
from domain.ids import OrganizationId
from domain.plan import Outcome
from entrypoints.bootstrap import connect, wire
from entrypoints.cli.answers import asked
from entrypoints.cli.output import progress, show
from entrypoints.cli.policy import print_budgets
from entrypoints.settings import Settings
from ports.inbound.answer_policy import BUDGETS, MAX_RATED

FOLDS = 5

Floats = NDArray[np.float64]


class Fitted(Struct, frozen=True):
    """Bias and weights, and what they are worth on labels that each of the folds had not seen.

    `budgets` are shares of all questions that may be answered wrongly; `judged` is each label's confidence
    from a model that had not seen it, and whether the answer was right.
    """

    labels: int
    right: float
    weights: Mapping[str, float]
    ece: float
    brier: float
    bins: tuple[Bin, ...]
    budgets: tuple[Budget, ...]
    judged: tuple[tuple[float, bool], ...]


async def fit(
    settings: Settings, organization: OrganizationId, questions: Sequence[Question], *, rated: bool = False
) -> Fitted:
    """Answer every question that anything is found for, and learn which answers are right.

    With `rated`, answers that the tenant's customers rated are labels too.
    """
    rows, right = await _labelled(settings, organization, questions)
    if rated:
        async with connect(settings) as ports:
            theirs = await ports.labels.rated(organization, MAX_RATED)
        rows = np.array([*rows, *(_features(label.parts) for label in theirs)])
        right = np.array([*right, *(label.right for label in theirs)], bool)
    return await asyncio.to_thread(_fitted, rows, right)


def print_report(found: Fitted) -> None:
    """The figures for people, and the line for `thresholds.toml`."""
    show(f"{found.labels} answers, {100 * found.right:.0f}% right; on labels not seen in training:")
    show(f"ECE {100 * found.ece:.1f}, Brier {found.brier:.3f}")
    show(f"\n{'confidence':<14}{'answers':>9}{'said':>8}{'right':>8}")
    for one in found.bins:
        span = f"{one.low:.1f} to {one.high:.1f}"
        show(f"  {span:<12}{one.count:>9}{one.confidence:>8.0%}{one.right:>8.0%}")
    print_budgets(found.budgets)
    show(f"\nright = [{', '.join(f'{value:.2f}' for value in found.weights.values())}]")


def listed(found: Fitted) -> str:
    """The labels with their confidence, one JSON object a line."""
    lines = [msgspec.json.encode({"confidence": said, "right": right}) for said, right in found.judged]
    return "".join(f"{line.decode()}\n" for line in lines)


def drawn(found: Fitted) -> str:
    """The reliability diagram beside the table of error budgets, as SVG."""
    side, left, top = 300, 60, 40

    def point(x: float, y: float) -> str:
        return f"{left + side * x:.1f},{top + side * (1 - y):.1f}"

    line = " ".join(point(one.confidence, one.right) for one in found.bins)
    dots = "".join(
        f'<circle cx="{left + side * b.confidence:.1f}" cy="{top + side * (1 - b.right):.1f}"'
        f' r="{3 + 12 * (b.count / found.labels) ** 0.5:.1f}" fill="#0f6e5c" fill-opacity="0.6"/>'
        for b in found.bins
    )
    marks = "".join(
        f'<text x="{left + side * n / 5}" y="{top + side + 18}" text-anchor="middle">{n / 5:.1f}</text>'
        f'<text x="{left - 8}" y="{top + side * (1 - n / 5) + 4}" text-anchor="end">{n / 5:.1f}</text>'
        for n in range(6)
    )
    rows = [("wrong at most", "threshold", "answered", "wrong, at most 95%")]
    rows += [
        (
            f"{b.budget:.0%} of all",
            "none" if b.threshold > 1 else f"{b.threshold:.2f}",
            f"{b.coverage:.0%}",
            f"{b.wrong:.0%}, {b.wrong_high:.0%}",
        )
        for b in found.budgets
    ]
    table = "".join(
        f'<text x="{430 + 105 * column}" y="{top + 40 + 30 * row}"'
        f"{' font-weight=' + chr(34) + 'bold' + chr(34) if not row else ''}>{cell}</text>"
        for row, cells in enumerate(rows)
        for column, cell in enumerate(cells)
    )
    title = f"{found.labels} answers: ECE {100 * found.ece:.1f}, Brier {found.brier:.3f}"
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 880 400" font-family="sans-serif"'
        ' font-size="12"><rect width="880" height="400" fill="white"/>'
        f'<text x="{left}" y="24" font-size="15">{title}</text>'
        f'<text x="430" y="24" font-size="15">What an error budget buys</text>'
        f'<rect x="{left}" y="{top}" width="{side}" height="{side}" fill="none" stroke="#999"/>'
        f'<polyline points="{point(0, 0)} {point(1, 1)}" fill="none" stroke="#999" stroke-dasharray="5"/>'
        f'<polyline points="{line}" fill="none" stroke="#0f6e5c" stroke-width="2"/>{dots}{marks}'
        f'<text x="{left + side / 2}" y="{top + side + 38}" text-anchor="middle">confidence said</text>'
        f'<text x="18" y="{top + side / 2}" text-anchor="middle"'
        f' transform="rotate(-90 18 {top + side / 2})">share right</text>{table}</svg>\n'
    )


async def _labelled(
    settings: Settings, organization: OrganizationId, questions: Sequence[Question]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Features (n, k) of the answers with the gate open, and which of them are right."""
    rows, right = [], []
    async with connect(settings) as ports:
        gate = msgspec.structs.replace(ports.brain.thresholds, floor=0.0, least=0.0)
        brain = msgspec.structs.replace(ports.brain, thresholds=gate)
        app = wire(replace(ports, brain=brain, writers=()), settings.timing)
        with progress() as bar:
            task = bar.add_task("Asking", total=len(questions))
            for number, question in enumerate(questions, 1):
                answer, _, _ = await asked(app, organization, question)
                bar.update(task, completed=number)
                if answer.why.outcome is not Outcome.ANSWERED:
                    continue
                rows.append(_features(answer.why.confidence))
                facts = contained(question, answer.response)
                right.append(bool(facts) and all(facts))
    return np.array(rows), np.array(right, bool)


def _features(parts: Confidence) -> list[float]:
    return [float(getattr(parts, name)) for name in FEATURES]


def _fitted(rows: Floats, right: NDArray[np.bool_]) -> Fitted:
    """Fit on all; measure on five parts, each with a model that did not see it."""
    from domain.nlu.training import logistic  # noqa: PLC0415  # scikit-learn takes 2 s only training needs

    if len(right) < 2 * FOLDS or right.all() or not right.any():
        raise DataFileError("few_labels", "too few labelled answers, or all are right or all wrong.")
    said = np.zeros(len(right))
    for part in np.array_split(np.random.default_rng(7).permutation(len(right)), FOLDS):
        rest = np.setdiff1d(np.arange(len(right)), part)
        said[part] = _said(logistic(rows[rest], right[rest]), rows[part])
    weights = logistic(rows, right)
    return Fitted(
        len(right),
        float(right.mean()),
        dict(zip(("bias", *FEATURES), weights, strict=True)),
        expected_calibration_error(said, right),
        brier(said, right),
        tuple(reliability(said, right)),
        tuple(within_budget(said, right, budget) for budget in BUDGETS),
        tuple((round(float(one), 4), bool(good)) for one, good in zip(said, right, strict=True)),
    )


def _said(weights: Sequence[float], rows: Floats) -> Floats:
    bias, *rest = weights
    found: Floats = np.minimum(CERTAIN, 1 / (1 + np.exp(-(rows @ np.array(rest) + bias))))
    return found
