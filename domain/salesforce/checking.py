"""Checking code before anybody is told to use it: the form that checkers have, and code in answers."""

import re
from collections.abc import Iterable, Sequence
from typing import Protocol

from msgspec import Struct

from domain.retrieval.chunking import is_code

LANGUAGES = {"apex": "Apex", "soql": "SOQL"}
"""What checkers read, as a fence names it, with its proper name."""
FENCED = re.compile(r"[ \t]*(?:`{3,}|~{3,})[ \t]*(\w*)[^\n]*\n(.*?)\n?[ \t]*(?:`{3,}|~{3,})[ \t]*", re.DOTALL)


class Finding(Struct, frozen=True, omit_defaults=True):
    """Something about a piece of code; `line` and `column` count from 1.

    `severity` is 'error' for what Salesforce refuses, 'warning' for what works and should not be so, 'info'
    for what cannot be judged from here. `fix` says how to mend it; where that is surely meant, `new` may
    stand for the words `old` that follow the place.
    """

    line: int
    column: int
    rule: str
    severity: str
    message: str
    fix: str
    old: str = ""
    new: str = ""


class Checked(Struct, frozen=True, omit_defaults=True):
    """One piece of code; `ok` unless there is an error. `file` or `q` say which it is, of several.

    `corrected` is the code mended, if what was meant is clear; nothing is found in it any more but warnings.
    """

    ok: bool
    findings: tuple[Finding, ...]
    file: str | None = None
    q: str | None = None
    corrected: str | None = None


class Unread(Struct, frozen=True):
    """A code block of an answer that the checker does not accept, with its first finding."""

    language: str
    finding: Finding


class Checker(Protocol):
    """Reads code in one of `LANGUAGES` and says what is wrong with it. Pure."""

    def __call__(self, code: str, language: str, /) -> tuple[Finding, ...]:
        """Everything found, in the order of the code."""


def nothing_found(_code: str, _language: str) -> tuple[Finding, ...]:
    """A checker that accepts everything."""
    return ()


def checked(
    findings: tuple[Finding, ...],
    file: str | None = None,
    q: str | None = None,
    corrected: str | None = None,
) -> Checked:
    """The findings with whether there is an error."""
    return Checked(all(one.severity != "error" for one in findings), findings, file, q, corrected)


def ordered(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """In the order of the code; what cannot be judged is said once."""

    def place(one: Finding) -> tuple[int, int, str, str]:
        return one.line, one.column, one.severity, one.rule

    backwards = sorted(found, key=place, reverse=True)
    once = {one.message if one.severity == "info" else one: one for one in backwards}
    return tuple(sorted(once.values(), key=place))


def unread(texts: Sequence[str], check: Checker) -> tuple[Unread, ...]:
    """The code blocks among the statements of an answer that do not pass as what they say they are."""
    found: list[Unread] = []
    for text in texts:
        block = FENCED.fullmatch(text.strip("\n")) if is_code(text) else None
        language = block.group(1).lower() if block else ""
        if block and language in LANGUAGES:
            errors = [one for one in check(block.group(2), language) if one.severity == "error"]
            found += [Unread(LANGUAGES[language], one) for one in errors[:1]]
    return tuple(found)
