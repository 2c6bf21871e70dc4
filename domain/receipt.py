"""What a turn was decided from, kept with it, so that the same decision can be made again and compared."""

import zlib

import msgspec
from msgspec import Struct

from domain.errors import DataFileError
from domain.facts import Brain, Heard
from domain.ids import ContentHash
from domain.nlu.understanding import Understanding
from domain.plan import Plan, Why, Written
from domain.retrieval.passages import Hit
from domain.rules.trial import InForce, Trial
from domain.turn import plan_turn
from domain.written import Request

LEVEL = 1
"""Of compression: a receipt is written in every turn."""
MAX_BYTES = 10_000_000
"""Of a receipt unpacked."""


class Receipt(Struct, frozen=True):
    """The inputs of `plan_turn` that differ from turn to turn, passages and a model's draft among them.

    `software` is the version that decided, `live` the rule set and `intents` the model in use.
    """

    software: str
    live: ContentHash | None
    intents: ContentHash | None
    heard: Heard
    understood: Understanding
    hits: tuple[Hit, ...]
    requests: tuple[Request, ...]
    trial: Trial | None
    model: Written | None


class Compared(Struct, frozen=True):
    """One thing that came out differently: then, and now."""

    what: str
    then: object
    now: object


class Replayed(Struct, frozen=True):
    """A turn decided again. `software` is the version that decided first; no differences means the same."""

    software: str
    differences: tuple[Compared, ...]
    why: Why

    @property
    def same(self) -> bool:
        """Whether the same was decided, said and cited."""
        return not self.differences


def packed(receipt: Receipt) -> bytes:
    """The receipt in a few kilobytes; as JSON, which holds the largest numbers that customers send."""
    return zlib.compress(msgspec.json.encode(receipt), LEVEL)


def unpacked(data: bytes) -> Receipt:
    """The receipt of a stored turn. Raises `DataFileError` for one of another version's form."""
    try:
        return msgspec.json.decode(zlib.decompressobj().decompress(data, MAX_BYTES), type=Receipt)
    except (zlib.error, msgspec.DecodeError) as error:
        raise DataFileError("bad_receipt", f"the receipt of this turn cannot be read ({error}).") from error


def replayed(receipt: Receipt, said: str, why: Why, rules: InForce, brain: Brain) -> Replayed:
    """Decide again, and compare with what was `said` and why."""
    plan = plan_turn(
        receipt.heard, receipt.understood, receipt.hits, rules, brain, receipt.requests, receipt.model
    )
    return Replayed(receipt.software, tuple(_differences(plan, said, why)), plan.why)


def _differences(plan: Plan, said: str, why: Why) -> list[Compared]:
    now, then = plan.why, why
    pairs: list[tuple[str, object, object]] = [
        ("response", said, plan.text),
        ("outcome", then.outcome, now.outcome),
        ("route", then.route, now.route),
        ("confidence", then.confidence, now.confidence),
        ("passages", then.passages, now.passages),
        ("ruleset", then.ruleset, now.ruleset),
        ("rules", _plain(then.rules), _plain(now.rules)),
        ("facts", _plain(then.facts), _plain(now.facts)),
    ]
    return [Compared(what, before, after) for what, before, after in pairs if before != after]


def _plain(value: object) -> object:
    """As it comes back from JSON, so that tuples and lists are the same."""
    return msgspec.json.decode(msgspec.json.encode(value))
