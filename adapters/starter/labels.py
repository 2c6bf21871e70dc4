"""Answers of which we know whether they were right: made by `casepilot confidence --labels`."""

from msgspec import Struct

from adapters.starter.loader import evaluation


class Judged(Struct, frozen=True):
    """One answer's confidence, from a model that had not seen it, and whether it was right."""

    confidence: float
    right: bool


def labels() -> list[tuple[float, bool]]:
    """All of them. Raises `DataFileError` naming the line."""
    return [(one.confidence, one.right) for one in evaluation("labels", Judged)]
