"""What changed between two versions of a rule set, by meaning rather than by text."""

from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct

from domain.ids import RuleId
from domain.rules.condition import Condition
from domain.rules.english import say
from domain.rules.facts import Schema
from domain.rules.jsonlogic import Program
from domain.rules.meaning import same_meaning
from domain.rules.rule import Rule
from domain.rules.ruleset import RuleSet


class Kind(StrEnum):
    """How a rule differs."""

    ADDED = "added"
    REMOVED = "removed"
    CONDITION = "condition"
    WORDING = "wording"
    ACTIONS = "actions"
    PRIORITY = "priority"
    ENABLED = "enabled"
    NAME = "name"


class Difference(Struct, frozen=True):
    """One difference of one rule. `wording` changes a condition's form and not what it means."""

    rule: RuleId
    kind: Kind
    before: str
    after: str


def diff(old: RuleSet, new: RuleSet) -> tuple[Difference, ...]:
    """All differences, by rule in the new order, removed rules last."""
    before, after = ({rule.id: rule for rule in ruleset.all} for ruleset in (old, new))
    found: list[Difference] = []
    for name, rule in after.items():
        if name in before:
            found += _changes(before[name], rule, new.schema)
        else:
            found.append(Difference(name, Kind.ADDED, "", spoken(rule, new.schema)))
    gone = (rule for name, rule in before.items() if name not in after)
    return (*found, *(Difference(rule.id, Kind.REMOVED, spoken(rule, old.schema), "") for rule in gone))


def spoken(rule: Rule, schema: Schema) -> str:
    """A rule as one sentence: when and then."""
    return f"When {sentence(rule.condition, schema)}: {actions(rule)}."


def sentence(condition: Condition | Program, schema: Schema) -> str:
    """The condition in English; an imported expression says only what it reads."""
    if isinstance(condition, Program):
        return f"an imported expression over {', '.join(sorted(condition.reads))} holds"
    return say(condition, schema)


def actions(rule: Rule) -> str:
    """A rule's actions as words."""
    spoken_actions = []
    for action in rule.actions:
        values = [str(getattr(action, field)) for field in action.__struct_fields__]
        name = str(action.__struct_config__.tag).replace("_", " ")
        spoken_actions.append(" ".join([name, *(value for value in values if value)]))
    return ", ".join(spoken_actions)


def _changes(old: Rule, new: Rule, schema: Schema) -> Iterator[Difference]:
    before, after = sentence(old.condition, schema), sentence(new.condition, schema)
    if before != after:
        same = same_meaning(old.condition, new.condition, schema)
        yield Difference(new.id, Kind.WORDING if same else Kind.CONDITION, before, after)
    if old.actions != new.actions:
        yield Difference(new.id, Kind.ACTIONS, actions(old), actions(new))
    for kind, one, other in (
        (Kind.PRIORITY, str(old.priority), str(new.priority)),
        (Kind.ENABLED, str(old.enabled), str(new.enabled)),
        (Kind.NAME, old.name, new.name),
    ):
        if one != other:
            yield Difference(new.id, kind, one, other)
