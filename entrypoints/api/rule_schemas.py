"""What travels over HTTP in the rule lab."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from domain.rules.backtest import Interval
from domain.rules.facts import FactValue
from ports.inbound.trial import Standing
from ports.outbound.rulesets import Draft as Kept
from ports.outbound.rulesets import Version
from ports.outbound.trials import Difference, Ending, RehearsalState
from ports.outbound.trials import Rehearsal as Asked

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


class SweepThreshold(Struct, frozen=True):
    """One rule's comparison on `field`, and other values for its threshold."""

    document: Rules
    rule: str
    field: str
    values: Annotated[list[float], Meta(min_length=1, max_length=1_000)]
    days: Annotated[int, Meta(ge=1, le=3_650)] = 90


class Rehearse(Struct, frozen=True):
    """What to replay, how many days, and how many handovers an hour each queue's people can answer."""

    document: Rules
    days: Annotated[int, Meta(ge=1, le=3_650)] = 90
    staffing: dict[str, Annotated[float, Meta(gt=0)]] = {}


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


class Rehearsal(Struct, frozen=True):
    """A rehearsal; `turns` were replayed so far, `report` is there when it is done."""

    id: UUID
    state: RehearsalState
    turns: int
    since: datetime
    report: Report | None
    error: str | None


class BeginTrial(Struct, frozen=True):
    """`percent` of the conversations run the version; 0 is a shadow, which nobody notices.

    The trial stops itself when the share of escalations moves by more than `bound`.
    """

    percent: Annotated[int, Meta(ge=0, le=100)] = 0
    bound: Annotated[float, Meta(gt=0, le=1)] = 0.05


class TrialStanding(Struct, frozen=True):
    """How a trial stands: turns decided by both sides, how many differ, and how escalations move."""

    id: UUID
    candidate: str
    percent: int
    bound: float
    actor: str
    started_at: datetime
    ended_at: datetime | None
    ending: Ending | None
    turns: int
    ran_candidate: int
    changed: int
    live_escalations: int
    escalation_change: Interval
    differences: list[Difference]


class WholeVersion(Struct, frozen=True):
    """A version with its rules."""

    version: Version
    document: Rules


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


def rehearsed(found: Asked) -> Rehearsal:
    """A rehearsal as it travels."""
    report = None if found.report is None else msgspec.convert(msgspec.to_builtins(found.report), Report)
    return Rehearsal(found.id, found.state, found.turns, found.since, report, found.error)


def standing(found: Standing) -> TrialStanding:
    """A trial as it travels."""
    record, compared = found.record, found.compared
    return TrialStanding(
        record.trial.id,
        record.trial.candidate,
        record.trial.percent,
        record.trial.bound,
        record.actor,
        record.started_at,
        record.ended_at,
        record.ending,
        compared.turns,
        compared.ran_candidate,
        compared.changed,
        compared.live_escalations,
        compared.escalation_change,
        list(found.differences),
    )
