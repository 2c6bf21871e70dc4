"""`casepilot eval code`: whether the right finding comes first in problems that people paste."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import msgspec
from msgspec import Struct

from adapters.starter import loader
from adapters.starter.salesforce import apex_library, error_causes, standard_schema
from domain.errors import DataFileError
from domain.salesforce.apex.check import check_apex
from domain.salesforce.checking import Finding
from domain.salesforce.errors import explained
from domain.salesforce.soql.check import check_soql
from entrypoints.cli.output import show

NONE = "none"
"""What is expected of code with nothing wrong."""


class Problem(Struct, frozen=True):
    """A pasted problem, and the findings that may come first: rules, or codes of errors."""

    id: str
    kind: str
    text: str
    expected: tuple[str, ...]


class Share(Struct, frozen=True):
    """Of so many problems, the percentage with a right finding first."""

    problems: int
    right: float


class Missed(Struct, frozen=True):
    """A problem whose first finding is another one."""

    id: str
    expected: tuple[str, ...]
    found: str


class CodeReport(Struct, frozen=True):
    """How the checkers do, in all and by kind, and how long a problem takes in milliseconds."""

    total: Share
    by_kind: dict[str, Share]
    ms_p50: float
    missed: tuple[Missed, ...]


def read_problems(path: Path | None) -> Sequence[Problem]:
    """The problems of a file, else our own. Raises `DataFileError` naming the line."""
    if path is None:
        return loader.evaluation("pasted", Problem)
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise DataFileError("unreadable", f"{path}: {error.strerror or error}.") from error
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(msgspec.json.decode(line, type=Problem))
        except msgspec.DecodeError as error:
            raise DataFileError("bad_line", f"{path}, line {number}: {error}.") from error
    return found


def evaluate(problems: Sequence[Problem]) -> CodeReport:
    """Check every problem. Raises `DataFileError` without any."""
    if not problems:
        raise DataFileError("empty_file", "there are no problems to check.")
    there, right, missed, times = Counter[str](), Counter[str](), list[Missed](), list[float]()
    for one in problems:
        began = perf_counter()
        first = _first(one)
        times.append(1_000 * (perf_counter() - began))
        there[one.kind] += 1
        right[one.kind] += first in one.expected
        if first not in one.expected:
            missed.append(Missed(one.id, one.expected, first))
    by_kind = {kind: _share(there[kind], right[kind]) for kind in sorted(there)}
    total = _share(len(problems), right.total())
    return CodeReport(total, by_kind, round(sorted(times)[len(times) // 2], 2), tuple(missed))


def print_report(found: CodeReport) -> None:
    """A table for people."""
    show(f"{'kind':<8}{'problems':>9}{'right first':>13}")
    for kind, one in (*found.by_kind.items(), ("all", found.total)):
        show(f"{kind:<8}{one.problems:>9}{one.right:>12.1f}%")
    for missed in found.missed:
        show(f"{missed.id}: {missed.found}, expected {' or '.join(missed.expected)}")


def _first(problem: Problem) -> str:
    match problem.kind:
        case "soql":
            return _rule(check_soql(problem.text, standard_schema()))
        case "apex":
            return _rule(check_apex(problem.text, standard_schema(), apex_library()))
        case _:
            return next((one.code for one in explained(problem.text, error_causes())), NONE)


def _rule(found: Sequence[Finding]) -> str:
    """The first error, else the first warning."""
    for severity in ("error", "warning"):
        for one in found:
            if one.severity == severity:
                return one.rule
    return NONE


def _share(problems: int, right: int) -> Share:
    return Share(problems, round(100 * right / problems, 1))
