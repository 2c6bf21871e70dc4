"""`casepilot eval redaction`: how much of what is personal is hidden, and how much else."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from adapters.starter import loader
from domain.errors import DataFileError
from domain.redaction import DISGUISED, personal
from entrypoints.cli.output import show

HIDDEN, MEANT = 0.9, 0.5
"""Share of a labelled span that must be hidden to count, and of a hidden one that must be labelled."""


class Labelled(Struct, frozen=True):
    """A text, and what in it is personal: pairs of kind and words."""

    text: str
    spans: tuple[tuple[str, str], ...]


class Kind(Struct, frozen=True):
    """One kind: how many there are, percent of them hidden, percent of what was hidden that is personal."""

    there: int
    recall: float
    precision: float


def read_labelled(path: Path | None) -> Sequence[Labelled]:
    """Labelled lines of a file, else our own. Raises `DataFileError` naming the line."""
    if path is None:
        return loader.evaluation("personal", Labelled)
    found = []
    for number, line in enumerate(path.open("rb"), 1):
        try:
            found.append(msgspec.json.decode(line, type=Labelled))
        except msgspec.DecodeError as error:
            raise DataFileError("bad_line", f"{path}, line {number}: {error}.") from error
    return found


def evaluate(lines: Sequence[Labelled]) -> dict[str, Kind]:
    """Recall and precision by kind. Raises `DataFileError` for a span that its text does not hold."""
    people = loader.first_names()
    there, hidden, found, right = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for line in lines:
        spans = [one for one in personal(line.text, people=people) if one.kind in DISGUISED]
        covered = {place for one in spans for place in range(one.start, one.end)}
        labelled: set[int] = set()
        for kind, words in line.spans:
            start = line.text.find(words)
            if start < 0:
                raise DataFileError("bad_span", f"'{words}' is not in '{line.text}'.")
            places = set(range(start, start + len(words)))
            there[kind] += 1
            hidden[kind] += len(places & covered) >= HIDDEN * len(places)
            labelled |= places
        for one in spans:
            found[one.kind] += 1
            right[one.kind] += len(labelled & set(range(one.start, one.end))) >= MEANT * (one.end - one.start)
    return {
        kind: Kind(
            there[kind],
            round(100 * hidden[kind] / there[kind], 1),
            round(100 * right[kind] / found[kind], 1) if found[kind] else 0.0,
        )
        for kind in sorted(there)
    }


def print_report(found: dict[str, Kind]) -> None:
    """A table for people."""
    show(f"{'kind':<10}{'there':>7}{'hidden':>9}{'precision':>11}")
    for kind, one in found.items():
        show(f"{kind:<10}{one.there:>7}{one.recall:>8.1f}%{one.precision:>10.1f}%")
