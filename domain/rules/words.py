"""Values of conditions that have a form of their own: regular expressions and spans of time."""

import re
from functools import lru_cache
from typing import Any

import re2  # type: ignore[import-untyped]  # has no stubs

from domain.rules.facts import RuleError

MAX_PATTERN = 500
PROGRAM_BYTES = 1_048_576
"""Memory of one compiled pattern (RE2's own bound, which also bounds its time)."""
SPAN = re.compile(r"(last|next)_(\d{1,5})_(minute|hour|day)s?")
UNIT_SECONDS = {"minute": 60, "hour": 3_600, "day": 86_400}


@lru_cache(maxsize=10_000)
def pattern(source: str, where: str = "") -> Any:  # noqa: ANN401  # an untyped library's pattern
    """A compiled RE2 expression: linear time whatever the text. Raises `RuleError`."""
    if len(source) > MAX_PATTERN:
        raise RuleError("bad_pattern", f"{where}: a pattern has at most {MAX_PATTERN} characters.")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = PROGRAM_BYTES
    try:
        return re2.compile(source, options)
    except re2.error as error:
        said = error.args[0].decode(errors="replace") if error.args else "unknown"
        raise RuleError("bad_pattern", f"{where}: '{source}' is no pattern: {said} (RE2 syntax).") from error


def duration(text: str, where: str = "") -> tuple[float, float]:
    """The ages in seconds, lowest and highest, of a time within a span such as 'last_30_days'."""
    match = SPAN.fullmatch(text)
    if match is None:
        raise RuleError(
            "bad_value",
            f"{where}: 'within' takes a span, 'last_30_days' or 'next_2_hours'; got '{text[:50]}'.",
        )
    length = int(match.group(2)) * UNIT_SECONDS[match.group(3)]
    return (0.0, float(length)) if match.group(1) == "last" else (-float(length), 0.0)


def span(low: float, high: float) -> str | None:
    """The one way to write a span of ages, in the largest unit that is whole; None if there is none."""
    length, word = (high, "last") if low == 0 else (-low, "next")
    if min(low, high, key=abs) != 0 or length <= 0:
        return None
    for unit in ("day", "hour", "minute"):
        count, rest = divmod(length, UNIT_SECONDS[unit])
        if not rest:
            return f"{word}_{int(count)}_{unit}{'' if count == 1 else 's'}"
    return None
