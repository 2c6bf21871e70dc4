"""The facts that rules may speak of, with kind, range, meaning; a rule is checked against them when saved."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct

from domain.errors import DomainError

LARGEST = 2**53
"""Numbers beyond it are not exact as JSON numbers (RFC 8259)."""
NOW = "now"
"""The fact that tells the time of the turn, so that a replay decides alike."""
CUSTOM_SOURCES = ("metadata.", "salesforce.")
"""Where the facts that a tenant adds may come from: conversation metadata, and fields as 'Object.Field'."""
MAX_CUSTOM = 200
AGE = " age"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST, LATEST = -62_135_596_800.0, 253_402_300_799.0
"""Seconds from 1970 to the years 1 and 9999, all that ISO 8601 texts of four digits can say."""


class RuleError(DomainError):
    """A rule is not right; the message names the rule, the place and the mend."""


class Kind(StrEnum):
    """What values a fact has. Times are ISO 8601 texts with an offset; lists hold texts."""

    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "boolean"
    LIST = "list"
    TIME = "time"


class Fact(Struct, frozen=True, forbid_unknown_fields=True):
    """One fact. `low` and `high` bound it, `values` lists all it can be, `source` says where it comes from.

    `nullable` facts may be unknown in a turn; `personal` ones hold personal data and are never copied into
    traces; `whole` numbers have no fraction. `question` is how a customer is asked for it.
    """

    name: str
    kind: Kind
    label: str
    source: str
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()
    whole: bool = False
    nullable: bool = True
    personal: bool = False
    question: str = ""


FactValue = float | str | bool | tuple[str, ...] | None
Facts = Mapping[str, FactValue]
"""What is known in one turn; None or absent is unknown."""


class Schema:
    """The facts of one rule set: the standard ones and the tenant's own."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        self.facts: Mapping[str, Fact] = MappingProxyType({fact.name: fact for fact in facts})
        self.from_metadata = tuple(fact for fact in facts if fact.source.startswith(CUSTOM_SOURCES))

    def named(self, name: str, where: str) -> Fact:
        """The fact, or `RuleError` with the nearest name."""
        fact = self.facts.get(name)
        if fact is None:
            raise RuleError(
                "unknown_fact", f"{where}: there is no fact called '{name}'{suggestion(name, self.facts)}"
            )
        return fact

    def with_custom(self, custom: Sequence[Fact], where: str) -> "Schema":
        """The schema with a tenant's own facts. Raises `RuleError`."""
        if len(custom) > MAX_CUSTOM:
            raise RuleError("too_many_facts", f"{where}: more than {MAX_CUSTOM} facts of one's own.")
        known = set(self.facts)
        for fact in custom:
            if not fact.name.isidentifier() or not fact.name.islower():
                raise RuleError("bad_fact", f"{where}: '{fact.name}' is no name; use letters, digits and _.")
            if fact.name in known:
                raise RuleError("duplicate_fact", f"{where}: the fact '{fact.name}' exists already.")
            if not fact.source.startswith(CUSTOM_SOURCES):
                raise RuleError(
                    "bad_fact",
                    f"{where}: the source of '{fact.name}' begins with 'metadata.' or 'salesforce.'.",
                )
            if fact.low is not None and fact.high is not None and fact.low > fact.high:
                raise RuleError("bad_fact", f"{where}: the range of '{fact.name}' is empty.")
            known.add(fact.name)
        return Schema([*self.facts.values(), *custom]) if custom else self

    def known(self, facts: Facts) -> dict[str, float | str | bool | tuple[str, ...]]:
        """The declared facts that are known and of their kind, times as seconds since 1970.

        Of a time t also 'now - t' under the name of `age`, in seconds, when the turn's time is known.
        """
        found: dict[str, float | str | bool | tuple[str, ...]] = {}
        times: list[str] = []
        for name, value in facts.items():
            fact = self.facts.get(name)
            if fact is None or value is None or not fits(fact.kind, value):
                continue
            if fact.kind is Kind.TIME:
                found[name] = seconds(str(value))
                times.append(name)
            else:
                found[name] = tuple(value) if isinstance(value, tuple | list) else value
        now = found.get(NOW)
        if isinstance(now, float):
            for name in times:
                found[age(name)] = now - float(str(found[name]))
        return found


def age(name: str) -> str:
    """The name under which the engine keeps how long ago a time fact is; no fact can be called so."""
    return f"{name}{AGE}"


def moment(time: float) -> str:
    """Seconds since 1970 as ISO 8601 with an offset, the inverse of `seconds`."""
    return (EPOCH + timedelta(seconds=min(max(time, EARLIEST), LATEST))).isoformat()


def fits(kind: Kind, value: object) -> bool:
    """Whether a value is of a kind; true is no number, and numbers are ones that JSON keeps exactly."""
    match kind:
        case Kind.NUMBER:
            return type(value) in {int, float} and -LARGEST <= float(str(value)) <= LARGEST
        case Kind.BOOLEAN:
            return isinstance(value, bool)
        case Kind.LIST:
            return isinstance(value, tuple | list) and all(isinstance(item, str) for item in value)
        case Kind.TIME:
            return isinstance(value, str) and not math.isnan(seconds(value))
        case Kind.TEXT:
            return isinstance(value, str)


def seconds(text: str) -> float:
    """Seconds since 1970 of an ISO 8601 time with an offset; NaN for anything else."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return math.nan
    return time.timestamp() if time.tzinfo is not None else math.nan


def suggestion(word: object, known: Sequence[str] | Mapping[str, object]) -> str:
    """'; did you mean ...?' when something close is known, else the full stop."""
    near = get_close_matches(str(word)[:100].lower(), list(known), n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else "."
