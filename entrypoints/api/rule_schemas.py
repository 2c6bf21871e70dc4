"""What travels over HTTP in the rule lab."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from domain.rules.actions import Directive
from domain.rules.backtest import Report as Rehearsed
from domain.rules.explain import Change, Reason
from domain.rules.facts import FactValue
from ports.outbound.rulesets import Draft as Kept
from ports.outbound.rulesets import Version

Rules = list[Any] | dict[str, Any]
"""A list of rules, or an object with 'rules', 'facts', 'examples' and 'note'."""
Title = Annotated[str, Meta(min_length=1, max_length=200)]


class Document(Struct, frozen=True):
    """A rule set at hand."""

    document: Rules


class Explain(Struct, frozen=True):
    """Rules, facts, and the one rule to explain; all of them without it."""

    document: Rules
    facts: dict[str, FactValue]
    rule: str | None = None


class Told(Struct, frozen=True):
    """What one rule made of the facts. `would_turn` is the smallest change that would have turned it."""

    rule: str
    name: str
    sentence: str
    reason: Reason | None
    would_turn: tuple[Change, ...] | None


class Explained(Struct, frozen=True):
    """What the rules come to together, and one by one."""

    directive: Directive
    rules: list[Told]


class NewDraft(Struct, frozen=True):
    """A draft to keep."""

    title: Title
    document: Rules
    parent: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")] | None = None


class SavedDraft(Struct, frozen=True):
    """A draft to save over the `version` that was read."""

    title: Title
    document: Rules
    version: Annotated[int, Meta(ge=1, le=2_000_000_000)]


class Draft(Struct, frozen=True):
    """A draft; `author` names all who saved it."""

    id: UUID
    title: str
    author: str
    version: int
    updated_at: datetime
    document: Rules
    parent: str | None


class Submit(Struct, frozen=True):
    """Why the rules change."""

    note: Annotated[str, Meta(max_length=2_000)] = ""


class Rehearse(Struct, frozen=True):
    """How many days to replay, and how many handovers an hour each queue's people can answer."""

    days: Annotated[int, Meta(ge=1, le=3_650)] = 90
    staffing: dict[str, Annotated[float, Meta(gt=0)]] = {}


class WholeVersion(Struct, frozen=True):
    """A version with its rules."""

    version: Version
    document: Rules


class Report(Struct, frozen=True):
    """The difference that a draft would have made; see the manager's guide for how to read it."""

    turns: int
    changed: int
    by_action: dict[str, list[int]]
    by_rule: dict[str, list[int]]
    added_by_hour: list[int]
    escalation_change: dict[str, float]
    queues: list[dict[str, Any]]
    samples: list[dict[str, Any]]


def shown(draft: Kept) -> Draft:
    """A stored draft as it travels."""
    return Draft(
        draft.id,
        draft.title,
        draft.author,
        draft.version,
        draft.updated_at,
        msgspec.json.decode(draft.document),
        draft.parent,
    )


def report(found: Rehearsed) -> Report:
    """A rehearsal's report as it travels."""
    return msgspec.convert(msgspec.to_builtins(found), Report)
