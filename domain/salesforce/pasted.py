"""Code and errors that customers paste into a message, looked at before anything else is said."""

import re
from collections.abc import Iterator, Mapping
from typing import Protocol

from msgspec import Struct

from domain.nlu.code_spans import BEGINS, SOQL
from domain.salesforce.apex.check import check_apex
from domain.salesforce.apex.library import Library
from domain.salesforce.checking import LANGUAGES, Finding
from domain.salesforce.errors import Cause, Explained, explained
from domain.salesforce.schema import Schema
from domain.salesforce.soql.check import check_soql, corrected
from domain.texts import ENGLISH, Texts

FENCED = re.compile(r"```[ \t]*(\w*)[^\n]*\n(.*?)(?:\n?```|\Z)", re.DOTALL)
QUERY = re.compile(
    r"\bSELECT\s(?:(?!\n\s*\n|```)[\s\S]){1,4000}?\sFROM\s(?:(?!\n\s*\n|```|[?!]\s|\.\s+[A-Z]|\.\s*$)[\s\S]){1,4000}",
    re.MULTILINE,
)
"""A query in capitals, up to a blank line or the end of its sentence."""
KEYWORDS = "from|where|and|or|order|group|by|having|limit|offset|asc|desc|nulls|first|last"
WORD = rf"\s+(?!(?i:{KEYWORDS})\b)[a-z][a-z']*[,;:]?"
PROSE = re.compile(rf"{WORD}(?:{WORD})+\W*$")
"""Words behind a query that are none of it."""
NEXT = re.compile(r"\s+([A-Za-z']+)")
CONTINUED = frozenset(
    {
        *KEYWORDS.split("|"),
        *(
            "using",
            "with",
            "for",
            "is",
            "not",
            "between",
            "join",
            "inner",
            "left",
            "on",
            "union",
            "all",
            "like",
            "in",
        ),
    }
)
"""Words that go on with a query, right or wrong."""
TELLING = frozenset({"OperationWithLimitsInLoop", "OperationWithHighCostInLoop", "ApexSOQLInjection"})
"""Warnings about pasted Apex that matter enough to be told unasked."""
MAX_PASTED, MAX_TOLD = 3, 5


class Pasted(Struct, frozen=True):
    """A piece of code in a message: its language, what is wrong, and it mended if that is clear."""

    language: str
    findings: tuple[Finding, ...]
    corrected: str | None = None


class Looked(Struct, frozen=True):
    """What was found in a message: wrong code, and errors that Salesforce reported."""

    code: tuple[Pasted, ...] = ()
    errors: tuple[Explained, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.code or self.errors)


class Look(Protocol):
    """Looks at the code and the errors of a message. Pure."""

    def __call__(self, text: str, /) -> Looked:
        """What is wrong in it; nothing for a message without code."""


def nothing_seen(_text: str) -> Looked:
    """A look that finds nothing."""
    return Looked()


class CodeLook:
    """Looks with the checkers, by the names that Salesforce has itself."""

    def __init__(self, schema: Schema, library: Library, causes: Mapping[str, Cause]) -> None:
        self._schema, self._library, self._causes = schema, library, causes

    def __call__(self, text: str) -> Looked:
        """What is wrong in a message."""
        fenced = "```" in text
        found = [one for one in self._code(text) if one.findings and (fenced or _sure(one))]
        return Looked(tuple(found[:MAX_PASTED]), explained(text, self._causes))

    def _code(self, text: str) -> Iterator[Pasted]:
        for language, code in pieces(text):
            if language == "soql":
                bare = code.strip("[]")
                in_apex = bare != code
                found = check_soql(bare, self._schema, in_apex=in_apex)
                errors = tuple(one for one in found if one.severity == "error")
                better = corrected(bare, self._schema, in_apex=in_apex) if errors else None
                yield Pasted(LANGUAGES[language], errors[:MAX_TOLD], better)
            else:
                known = check_apex(code, self._schema, self._library)
                told = [one for one in known if one.severity == "error" or one.rule in TELLING]
                yield Pasted(LANGUAGES[language], tuple(told[:MAX_TOLD]))


def _sure(pasted: Pasted) -> bool:
    """Whether more is wrong than that something cannot be read, which may be words around the code."""
    return any(one.rule not in {"syntax", "Parentheses"} for one in pasted.findings)


def pieces(text: str) -> Iterator[tuple[str, str]]:
    """The pieces of code in a message with their languages: fenced ones, else Apex, else queries.

    A query of Apex comes in its brackets.
    """
    fenced = [(match[1].lower(), match[2]) for match in FENCED.finditer(text)]
    for language, code in fenced:
        if language in LANGUAGES:
            yield language, code
        elif re.match(r"\s*(?:SELECT|FIND)\b", code, re.IGNORECASE):
            yield "soql", code
        elif BEGINS.search(code):
            yield "apex", code
    if fenced:
        return
    begins = BEGINS.search(text)
    if begins is not None and "{" in text[begins.start() :] and "}" in text[begins.start() :]:
        yield "apex", text[begins.start() : text.rindex("}") + 1]
        return
    for match in QUERY.finditer(text):
        query = _well_formed(text, match.start()) or match.group()
        if "..." in query or "\u2026" in query:
            continue
        if text[: match.start()].rstrip().endswith("["):
            yield "soql", f"[{query.split(']', 1)[0]}]"
        else:
            yield "soql", _bare(PROSE.sub("", query))


def _well_formed(text: str, start: int) -> str | None:
    """The query that begins here, if it is one and goes on with words that are none of it."""
    found = SOQL.match(text, start)
    if found is None:
        return None
    after = NEXT.match(text, found.end())
    return found.group() if after is not None and after[1].lower() not in CONTINUED else None


def _bare(query: str) -> str:
    """A query without the quotes around it and the signs of its sentence."""
    query = query.strip(' \t\n"`.,:')
    return query.removesuffix("'") if query.count("'") % 2 else query


def code_told(looked: Looked, texts: Texts) -> str:
    """What is wrong in pasted code, in Markdown, with the code mended; empty without any."""
    return "\n\n".join(_told(one, texts) for one in looked.code)


def all_told(looked: Looked, texts: Texts) -> str:
    """What is wrong in pasted code, and why Salesforce reported these errors; empty without either."""
    known = [one for one in looked.errors if one.cause]
    errors = [f"**{one.code}**: {one.cause} {one.fix}" for one in known[:MAX_PASTED]]
    told = [one for one in (code_told(looked, texts), *errors) if one]
    remark = [texts.answered_in_english] if told and texts.language != ENGLISH else []
    return "\n\n".join([*remark, *told])


def _told(pasted: Pasted, texts: Texts) -> str:
    lines = [texts.checked.format(language=pasted.language), ""]
    lines += [f"- {one.line}:{one.column} {one.message} {one.fix}" for one in pasted.findings]
    if pasted.corrected:
        lines += ["", f"```{pasted.language.lower()}", pasted.corrected, "```"]
    return "\n".join(lines)
