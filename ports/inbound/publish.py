"""Make a rule set the active one."""

from dataclasses import dataclass

from msgspec import Struct

from domain.ids import ContentHash, OrganizationId
from domain.rules.facts import Schema
from domain.rules.ruleset import parse_ruleset
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
    schema: Schema

    async def __call__(self, command: PublishRules) -> ContentHash:
        """Raises `RuleError` for rules that are not right, `Unavailable`."""
        ruleset = parse_ruleset(command.source, command.name, self.schema)
        async with self.begin(command.organization) as unit:
            await unit.rulesets.publish(ruleset, command.source, command.author)
            await unit.commit()
        return ruleset.hash
