"""Make a rule set the live one at once, as a fresh installation does with the starter rules."""

from dataclasses import dataclass

from msgspec import Struct

from domain.ids import ContentHash, OrganizationId
from domain.rules.facts import Schema
from domain.rules.ruleset import parse_ruleset
from ports.outbound.audit import Entry
from ports.outbound.clock import Clock
from ports.outbound.rulesets import State, Version
from ports.outbound.units import Begin


class PublishRules(Struct, frozen=True):
    """Publish the rules of a JSON source."""

    organization: OrganizationId
    source: bytes
    name: str
    author: str


@dataclass(frozen=True, slots=True)
class PublishRuleSet:
    """Check, run its own examples, store, activate."""

    begin: Begin
    clock: Clock
    schema: Schema

    async def __call__(self, command: PublishRules) -> ContentHash:
        """Raises `RuleError` for rules that are not right, `Unavailable`."""
        ruleset, now = parse_ruleset(command.source, command.name, self.schema), self.clock.now()
        async with self.begin(command.organization) as unit:
            await unit.rulesets.add(Version(ruleset.hash, State.RETIRED, command.author, now), command.source)
            await unit.rulesets.activate(ruleset.hash, command.author, now)
            await unit.audit.note(Entry(now, command.author, "rules.install", ruleset.hash))
            await unit.commit()
        return ruleset.hash
