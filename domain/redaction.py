"""Personal data and secrets in a text: found, taken out for good, or disguised and put back."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from domain.nlu.names import names

GROUP = r"[0-9a-fA-F]{1,4}"
SHORTENED = rf"(?=[0-9a-fA-F:]{{0,39}}::){GROUP}(?::[0-9a-fA-F]{{0,4}}){{2,7}}"
"""An address of IPv6 with its zeros left out (RFC 4291, 2.2)."""
NAMED = (
    r"(?:password|passwort|kennwort|wachtwoord|l\u00f6senord|contrase\u00f1a|mot de passe|senha|has\u0142o"
    r"|passwd|pwd|passcode|token|secret|client[_ -]?secret|api[_ -]?key|access[_ -]?key|authorization)"
)
VALUE = r"(?:\"[^\"\n]{1,500}\"|'[^'\n]{1,500}'|\S+)"
MIN_PHONE = 7
LEAST_NETWORK, MAX_BYTE = 10, 255
DATE = re.compile(r"\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{2,4}")
LUHN_DOUBLE = 9
IBAN_REST = 97


class Span(NamedTuple):
    """Something personal in a text: its kind and where it is."""

    kind: str
    start: int
    end: int


def _luhn(digits: str) -> bool:
    """Whether a card number's check digit is right (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed([int(d) for d in digits if d.isdigit()])):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - LUHN_DOUBLE if doubled > LUHN_DOUBLE else doubled
    return total % 10 == 0


def _iban(text: str) -> bool:
    """Whether an account number's check digits are right (ISO 13616)."""
    plain = text.replace(" ", "").replace("-", "")
    turned = "".join(str(int(c, 36)) for c in plain[4:] + plain[:4])
    return int(turned) % IBAN_REST == 1


def _ipv4(text: str) -> bool:
    """Whether it may be somebody's address, and is no version of a package."""
    first, *rest = (int(part) for part in text.split("."))
    return first >= LEAST_NETWORK and max(first, *rest) <= MAX_BYTE


def _phone(text: str) -> bool:
    return sum(map(str.isdigit, text)) >= MIN_PHONE and not DATE.fullmatch(text.strip())


def _always(_: str) -> bool:
    return True


PATTERNS: tuple[tuple[str, re.Pattern[str], Callable[[str], bool]], ...] = (
    ("secret", re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*|\b00D\w{12,15}!\S+"), _always),
    (
        "secret",
        re.compile(r"\b(?:(?:sk|pk|rk|gh[po]|xox[abp]|glpat)[-_](?=\S*\d)[\w-]{16,}|AKIA[A-Z0-9]{16}\b)"),
        _always,
    ),
    (
        "secret",
        re.compile(rf"(?i)\b{NAMED}[\"']?\s*(?:(?:is|=>|=|:)\s*)+(?:(?:bearer|basic)\s+)?(?P<value>{VALUE})"),
        _always,
    ),
    ("secret", re.compile(rf"(?i)\b{NAMED}\s+(?P<value>(?=\S*[a-z])(?=\S*\d)[^\s,;]{{6,}})"), _always),
    (
        "secret",
        re.compile(r"://[\w.-]{1,100}:(?P<value>[^\s@/]{3,200})@|::(?P<other>[\w.]{16,200})@"),
        _always,
    ),
    ("secret", re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{32,}\b"), _always),
    ("secret", re.compile(r"(?i)\b(?:bearer|basic)\s+(?P<value>(?=\S*\d)[\w.~+/=-]{8,})"), _always),
    ("email", re.compile(r"[\w.+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"), _always),
    ("link", re.compile(r"\bhttps?://[^\s<>\"')]+\?[^\s<>\"')]+"), _always),
    ("iban", re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,4})?\b"), _iban),
    ("iban", re.compile(r"\b[a-z]{2}\d{2}[a-z0-9]{11,30}\b"), _iban),
    ("card", re.compile(r"\b(?:\d[ -]?){12,18}\d\b"), _luhn),
    ("ssn", re.compile(r"\b\d{3}-\d{2}-\d{4}\b"), _always),
    (
        "account",
        re.compile(
            r"(?i)(?:\b(?:bank |customer |client |billing )?(?:account|acct|a/c)|konto|rekening"
            r"|\bconta corrente|\bcompte|\bcuenta)(?:[ -]?(?:number|nummer|no|nr|num))?\.?"
            r"\s*(?:is|:|#)*\s*(?:is|:|#)*\s*"
            r"(?P<value>(?:[A-Z]{1,3}-)?\d[\d -]{3,18}\d(?:-[A-Z])?)(?!\w)"
        ),
        _always,
    ),
    ("address", re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.]*\d)"), _ipv4),
    (
        "phone",
        re.compile(r"(?<![\w.])(?:\+|00)?\(?\d{1,4}\)?(?:[ ./-]?\(?\d{2,5}\)?){2,5}(?![\w.])"),
        _phone,
    ),
    (
        "id",
        re.compile(r"\b(?=\w*\d)(?=\w*[A-Za-z])[a-zA-Z0-9]{3}(?:[a-zA-Z0-9]{12}|[a-zA-Z0-9]{15})\b"),
        _always,
    ),
    ("address", re.compile(rf"(?<![\w:])(?:(?:{GROUP}:){{7}}{GROUP}|{SHORTENED})(?![\w:])"), _always),
)
"""In this order: what one takes, another does not see. Where a pattern has a `value`, that alone is personal.
Ids are Salesforce's, of 15 and 18 characters, as is the session id that begins with its org's; tokens of
three parts are JSON Web Tokens (RFC 7519).
"""
TOKEN = re.compile(r"\[?\b([A-Z]+)_(\d{1,4})\b\]?")
KINDS = tuple(dict.fromkeys([kind for kind, _, _ in PATTERNS] + ["person", "org"]))
DISGUISED = frozenset(KINDS) - {"org"}
"""What is disguised before a text leaves: a company's name tells a model what it is asked about."""


def personal(text: str, known: Mapping[str, str] = {}, people: frozenset[str] = frozenset()) -> list[Span]:
    """What is personal or secret, in order, without overlaps.

    `known` are strings with their kinds, `people` first names by which names of people are found.
    """
    taken = bytearray(len(text))
    found = []
    for kind, start, end in (*_known(text, known), *_patterned(text), *_named(text, people)):
        if not any(taken[start:end]):
            taken[start:end] = b"\x01" * (end - start)
            found.append(Span(kind, start, end))
    return sorted(found, key=lambda span: span.start)


def redacted(text: str, people: frozenset[str] = frozenset()) -> str:
    """The text with addresses, numbers, ids, secrets and names of people and companies by their kinds."""
    return _replaced(text, personal(text, people=people), lambda span: f"[{span.kind}]")


class Disguise:
    """Tokens in place of personal data, the same for the same, over all texts of one request."""

    def __init__(self, known: Mapping[str, str] = {}, people: frozenset[str] = frozenset()) -> None:
        """`known` are strings that are personal for sure, like the customer's name, with their kinds.

        `people` are first names.
        """
        self._people = people
        self._known = {text: kind for text, kind in known.items() if text.strip()}
        self._tokens: dict[tuple[str, str], str] = {}
        self._originals: dict[str, str] = {}
        self._counts: Counter[str] = Counter()

    @property
    def hidden(self) -> dict[str, int]:
        """How many different things of each kind were hidden."""
        return dict(sorted(self._counts.items()))

    def hide(self, text: str) -> str:
        """The text with tokens."""
        spans = [span for span in personal(text, self._known, self._people) if span.kind in DISGUISED]
        return _replaced(text, spans, lambda span: self._token(span.kind, text[span.start : span.end]))

    def restore(self, text: str) -> str:
        """The text with the originals; tokens that were never given stay as they are."""
        return TOKEN.sub(lambda found: self._originals.get(f"{found[1]}_{found[2]}", found[0]), text)

    def _token(self, kind: str, original: str) -> str:
        key = (kind, original.casefold())
        if key not in self._tokens:
            self._counts[kind] += 1
            name = f"{kind.upper()}_{self._counts[kind]}"
            self._tokens[key] = name
            self._originals[name] = original
        return f"[{self._tokens[key]}]"


def _replaced(text: str, spans: Iterable[Span], by: Callable[[Span], str]) -> str:
    parts: list[str] = []
    at = 0
    for span in spans:
        parts += (text[at : span.start], by(span))
        at = span.end
    return "".join([*parts, text[at:]])


def _known(text: str, known: Mapping[str, str]) -> Iterator[Span]:
    for wanted, kind in known.items():
        for found in re.finditer(rf"(?i)(?<!\w){re.escape(wanted)}(?!\w)", text):
            yield Span(kind, *found.span())


def _patterned(text: str) -> Iterator[Span]:
    for kind, pattern, good in PATTERNS:
        for found in pattern.finditer(text):
            span = found.span(found.lastgroup) if found.lastgroup else found.span()
            if good(text[slice(*span)]):
                yield Span(kind, *span)


def _named(text: str, people: frozenset[str]) -> Iterator[Span]:
    for kind, start, end in names(text, people):
        yield Span(kind.lower(), start, end)
