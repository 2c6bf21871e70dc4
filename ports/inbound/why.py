"""Why a turn was decided so, which rules never fire, and what another threshold would have done."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct

from domain.errors import NotFoundError
from domain.ids import ContentHash, MessageId, OrganizationId
from domain.rules.actions import Directive
from domain.rules.condition import leaves
from domain.rules.diff import sentence
from domain.rules.evaluate import number
from domain.rules.explain import Change, Reason, reason, smallest_change
from domain.rules.facts import Facts, RuleError, Schema
from domain.rules.jsonlogic import Program
from domain.rules.rule import Rule
from domain.rules.ruleset import MAX_TRACED, RuleSet, parse_ruleset
from domain.rules.sweep import sweep
from ports.outbound.history import History, LastFired
from ports.outbound.rulesets import ActiveRules
from ports.outbound.units import Begin

MAX_SWEPT = 20_000
"""Turns that a sweep counts in."""


class Told(Struct, frozen=True):
    """What one rule made of the facts. `would_turn` is the smallest change that would have turned it."""

    rule: str
    name: str
    sentence: str
    reason: Reason | None
    would_turn: tuple[Change, ...] | None


class Explained(Struct, frozen=True):
    """What a rule set comes to for some facts, and its rules one by one."""

    directive: Directive
    rules: tuple[Told, ...]
    ruleset: ContentHash | None = None


class Usage(Struct, frozen=True):
    """How often a rule of the live set fired, and when last."""

    rule: str
    name: str
    times: int
    last: datetime | None


class Sweep(Struct, frozen=True):
    """Count for other values of a threshold: the comparison on `field` with an order, in one rule."""

    document: bytes
    rule: str
    field: str
    values: tuple[float, ...]
    since: datetime


class Swept(Struct, frozen=True):
    """How many of `turns` a rule would fire in for each value; `current` is the value it has."""

    turns: int
    current: float
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ExplainTurns:
    """Questions about what rules did, and would have done."""

    begin: Begin
    rules: ActiveRules
    history: History
    schema: Schema

    async def why(self, organization: OrganizationId, heard: MessageId, rule: str | None) -> Explained:
        """The reasons of a stored turn, under the version that decided it. Raises `NotFoundError`."""
        past, version = await self.history.one(organization, heard)
        ruleset = await self.rules.at(organization, version)
        return await asyncio.to_thread(explained, ruleset, past.facts, rule)

    async def usage(self, organization: OrganizationId, since: datetime) -> tuple[Usage, ...]:
        """The rules of the live set, those that never fired since a time first."""
        async with self.begin(organization) as unit:
            live = await unit.rulesets.active()
        ruleset = await self.rules.at(organization, live)
        fired = await self.history.fired(organization, since)
        found = [_usage(rule, fired.get(rule.id)) for rule in ruleset.rules]
        return tuple(sorted(found, key=lambda usage: (usage.times, usage.rule)))

    async def sweep(self, organization: OrganizationId, command: Sweep) -> Swept:
        """Raises `RuleError` for a rule or threshold that is not there, once."""
        draft = await asyncio.to_thread(parse_ruleset, command.document, "the draft", self.schema)
        rule = next((one for one in draft.rules if one.id == command.rule), None)
        if rule is None or isinstance(rule.condition, Program):
            raise RuleError(
                "no_threshold", f"There is no rule '{command.rule}' with comparisons in the draft."
            )
        condition = rule.condition
        ordered = [one for one in leaves(condition) if one.field == command.field and one.operator[0] in "<>"]
        if len(ordered) != 1:
            said = (
                f"{command.rule} compares '{command.field}' with a threshold {len(ordered)} times, not once."
            )
            raise RuleError("no_threshold", said)
        turns = [
            turn
            async for batch in self.history.turns(organization, command.since, MAX_SWEPT)
            for turn in batch
        ]
        [leaf] = ordered
        counts = await asyncio.to_thread(sweep, condition, leaf, command.values, turns, draft.schema)
        return Swept(len(turns), number(leaf.value), counts)


def explained(ruleset: RuleSet, facts: Facts, only: str | None = None) -> Explained:
    """What rules make of facts: one of them, or those that fire, nearly do, or might. Raises `NotFoundError`.

    Takes as long as there is to explain, so not on the event loop.
    """
    known = ruleset.schema.known(facts)
    verdicts = ruleset.index.verdicts(known, MAX_TRACED)
    telling = {*verdicts.certain[:MAX_TRACED], *verdicts.near, *verdicts.possible}
    rules: Sequence[Rule] = [ruleset.rules[place] for place in sorted(telling)]
    if only is not None:
        rules = [rule for rule in ruleset.rules if rule.id == only]
        if not rules:
            raise NotFoundError("rule")
    told = tuple(_told(rule, ruleset, facts) for rule in rules)
    return Explained(ruleset.merged(verdicts.certain), told, ruleset.hash or None)


def _told(rule: Rule, ruleset: RuleSet, facts: Facts) -> Told:
    said = sentence(rule.condition, ruleset.schema)
    if isinstance(rule.condition, Program):
        return Told(rule.id, rule.name, said, None, None)
    why = reason(rule.condition, facts, ruleset.schema)
    return Told(rule.id, rule.name, said, why, smallest_change(rule.condition, facts, ruleset.schema))


def _usage(rule: Rule, fired: LastFired | None) -> Usage:
    return Usage(rule.id, rule.name, fired.times if fired else 0, fired.last if fired else None)
