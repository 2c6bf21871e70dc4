"""Errors that Salesforce reports, found in pasted text and explained."""

import re
from collections.abc import Iterator, Mapping

import msgspec
from msgspec import Struct

EXCEPTION = re.compile(
    r"\b(?P<type>(?:System\.)?[A-Z]\w*Exception)\s*:\s*(?P<message>[^\n]*?)(?=\s*(?:\n|Class\.|Trigger\.|$))"
)
FRAME = re.compile(
    r"\b(?P<where>(?:Class|Trigger)\.[\w.]+|AnonymousBlock): line (?P<line>\d+), column (?P<column>\d+)"
)
FAULT = re.compile(
    r"<(?:\w+:)?(?P<tag>faultcode|exceptionCode|statusCode|faultstring|message)>(?P<said>[^<]*)<"
)
FIRST_ERROR = re.compile(r"first error:\s*(?P<code>[A-Z][A-Z_]+)\s*,\s*(?P<message>[^\n]*)")
WORD = re.compile(
    r"\b(?:[A-Z][A-Z]+(?:_[A-Z]+)+|invalid_[a-z_]+|[a-z]+_[a-z_]+_[a-z]+|[A-Z][a-z]+(?:[A-Z][a-z]+)+)\b"
)
"""The forms of codes: of the API, of OAuth, of Bulk."""
MAX_TEXT = 200_000
"""Characters that are looked at: the end of a long log, where it says why it stopped."""
MAX_FOUND = 20


class Cause(Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of an error. `retry`: the same request may be sent again; `ask` before escalating."""

    area: str
    cause: str
    fix: str
    check: str = ""
    retry: bool = False
    ask: tuple[str, ...] = ()


UNKNOWN = Cause("unknown", "", "")


class Place(Struct, frozen=True):
    """A line of Apex in a stack trace."""

    where: str
    line: int
    column: int


class Explained(Struct, frozen=True, omit_defaults=True):
    """An error that a text reports: its code, what it said, why, and the mend; the code's own place first."""

    code: str
    said: str
    cause: str = ""
    fix: str = ""
    check: str = ""
    retry: bool = False
    ask: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()


class _Found(Struct, frozen=True):
    code: str
    said: str = ""
    fields: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()


def explained(text: str, catalogue: Mapping[str, Cause]) -> tuple[Explained, ...]:
    """The errors of a pasted text, each once: of bodies and faults, exceptions, then codes that are named."""
    text = text[-MAX_TEXT:]
    found: dict[str, Explained] = {}
    for one in (*_bodies(text), *_faults(text), *_exceptions(text), *_named(text, catalogue)):
        key = _key(one, catalogue)
        if one.code not in found and len(found) < MAX_FOUND:
            known = catalogue.get(key, UNKNOWN)
            why = known.cause, known.fix, known.check, known.retry, known.ask
            found[one.code] = Explained(one.code, one.said, *why, one.fields, one.places)
    return tuple(found.values())


def _key(found: _Found, catalogue: Mapping[str, Cause]) -> str:
    """The catalogue's name of an error: with the longest beginning of its message that is there."""
    whole = f"{found.code}: {found.said}".lower()
    named = [key for key in catalogue if key.startswith(found.code) and whole.startswith(key.lower())]
    return max(named, key=len, default=found.code)


def _bodies(text: str) -> Iterator[_Found]:
    """Errors of JSON bodies: REST and OAuth, composite and collections."""
    place = 0
    decoder = msgspec.json.Decoder()
    for start in (match.start() for match in re.finditer(r"[\[{]", text)):
        if start < place:
            continue
        end = _end(text, start)
        if end is None:
            return
        try:
            body = decoder.decode(text[start:end].encode())
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            continue
        place = end
        yield from _errors_in(body)


def _end(text: str, start: int) -> int | None:
    """Where the bracket that opens at `start` is closed."""
    depth, quoted, place = 0, False, start
    while place < len(text):
        sign = text[place]
        if sign == "\\" and quoted:
            place += 1
        elif sign == '"':
            quoted = not quoted
        elif not quoted:
            depth += (sign in "[{") - (sign in "]}")
            if depth == 0:
                return place + 1
        place += 1
    return None


def _errors_in(body: object) -> Iterator[_Found]:
    left = [body]
    while left:
        one = left.pop(0)
        if isinstance(one, list):
            left = [*one, *left]
        elif isinstance(one, dict):
            code = (
                one.get("errorCode") or one.get("statusCode") or one.get("exceptionCode") or one.get("error")
            )
            if isinstance(code, str):
                said = one.get("message") or one.get("error_description") or one.get("exceptionMessage") or ""
                fields = one.get("fields")
                named = tuple(str(field) for field in fields) if isinstance(fields, list) else ()
                yield _Found(code, str(said), named)
            left = [*(value for value in one.values() if isinstance(value, dict | list)), *left]


def _faults(text: str) -> Iterator[_Found]:
    """Errors of SOAP faults and results."""
    tags = [(match["tag"], match["said"].strip()) for match in FAULT.finditer(text)]
    said = next((words for tag, words in tags if tag in {"faultstring", "message"}), "")
    for tag, words in tags:
        if tag in {"faultcode", "exceptionCode", "statusCode"}:
            code = words.rsplit(":", 1)[-1]
            yield _Found(code, said.removeprefix(f"{code}: "))


def _exceptions(text: str) -> Iterator[_Found]:
    """Apex exceptions with their stack, and the status code that one of DML wraps."""
    places = tuple(
        Place(m["where"], int(m["line"]), int(m["column"])) for m in FRAME.finditer(text[:MAX_TEXT])
    )
    for match in EXCEPTION.finditer(text):
        kind = match["type"]
        yield _Found(
            kind if "." in kind else f"System.{kind}", match["message"].strip(), (), places[:MAX_FOUND]
        )
    for match in FIRST_ERROR.finditer(text):
        message, _, fields = match["message"].rpartition(": [")
        named = tuple(one.strip() for one in fields.rstrip("] .").split(",") if one.strip())
        yield _Found(match["code"], (message or match["message"]).strip(), named if message else ())


def _named(text: str, catalogue: Mapping[str, Cause]) -> Iterator[_Found]:
    return (_Found(match.group()) for match in WORD.finditer(text) if match.group() in catalogue)
