"""A rule set: parsed, checked against its own examples, compiled once, evaluated in one pass."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec
from msgspec import Struct

from domain.ids import ContentHash, RuleId
from domain.rules.actions import Action, Directive, EscalateAction, merge, parse_action
from domain.rules.condition import LARGEST, Comparison, Condition, leaves, parse_condition
from domain.rules.evaluate import Checked, holds, trace
from domain.rules.facts import FACTS, Facts, Kind, RuleError, suggestion
from domain.rules.jsonlogic import CompiledRules

T = TypeVar("T")

MAX_VALUES = 1_000_000
"""Comparisons and listed values of a whole rule set."""
RULE_KEYS = ("id", "name", "priority", "enabled", "conditions", "actions", "examples", "note")


class Example(Struct, frozen=True):
    """Facts under which the rule must fire, or must not. Publishing fails unless all hold."""

    facts: Mapping[str, float | str | bool | tuple[str, ...] | None]
    fires: bool


class Rule(Struct, frozen=True):
    """One rule. Lower `priority` numbers go first; equal ones by id."""

    id: RuleId
    name: str
    condition: Condition
    actions: tuple[Action, ...]
    priority: int = 100
    enabled: bool = True
    examples: tuple[Example, ...] = ()


class Fired(Struct, frozen=True):
    """A rule that fired, or nearly did, with every comparison's outcome, and whether it asks for people."""

    rule: RuleId
    name: str
    checks: tuple[Checked, ...]
    escalates: bool


class Decision(Struct, frozen=True):
    """What the rules say about one turn, and why. `near` misses hold all but one comparison."""

    directive: Directive
    fired: tuple[Fired, ...]
    near: tuple[Fired, ...]


class RuleSet:
    """An immutable, compiled set of rules. `hash` is the SHA-256 of its source as canonical JSON."""

    def __init__(self, rules: Sequence[Rule], content_hash: ContentHash) -> None:
        self.hash = content_hash
        self.rules = tuple(sorted((r for r in rules if r.enabled), key=lambda r: (r.priority, r.id)))
        self._leaves = [tuple(leaves(rule.condition)) for rule in self.rules]
        self._compiled = CompiledRules([rule.condition for rule in self.rules])

    def decide(self, facts: Facts) -> Decision:
        """Evaluate every rule once over frozen facts; no action triggers another rule."""
        verdicts = self._compiled.fired(facts)
        fired = [rule for rule, fires in zip(self.rules, verdicts, strict=True) if fires]
        quiet = (
            (rule, checks)
            for rule, checks, fires in zip(self.rules, self._leaves, verdicts, strict=True)
            if not fires
        )
        near = [_fired(rule, facts) for rule, checks in quiet if _is_near(checks, facts)]
        return Decision(
            merge([action for rule in fired for action in rule.actions]),
            tuple(_fired(rule, facts) for rule in fired),
            tuple(near),
        )


def parse_ruleset(source: bytes, name: str) -> RuleSet:
    """Read, check and compile a JSON list of rules; `name` is for messages. Raises `RuleError`."""
    try:
        raw = msgspec.json.decode(source)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RuleError("bad_json", f"{name}: {error}.") from error
    if not isinstance(raw, list):
        raise RuleError("bad_ruleset", f"{name}: a rule set is a JSON list of rules.")
    rules = [parse_rule(item, f"{name}, rule {number}") for number, item in enumerate(raw, 1)]
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            raise RuleError("duplicate_rule", f"{name}: the id '{rule.id}' is used twice.")
        seen.add(rule.id)
        _check_examples(rule)
    if sum(_size(rule.condition) for rule in rules) > MAX_VALUES:
        raise RuleError("too_large", f"{name}: more than {MAX_VALUES:,} values in all. Split the rule set.")
    return RuleSet(rules, ContentHash(hashlib.sha256(msgspec.json.encode(raw, order="sorted")).hexdigest()))


def parse_rule(raw: object, where: str) -> Rule:
    """Read one rule in the customer's form (id, name, conditions, actions). Raises `RuleError`."""
    if not isinstance(raw, Mapping):
        raise RuleError("bad_rule", f"{where}: a rule is an object, got {raw!r}.")
    for key in raw:
        if key not in RULE_KEYS:
            raise RuleError("unknown_key", f"{where}: a rule has no '{key}'{suggestion(key, RULE_KEYS)}")
    where = str(raw.get("id") or where)
    try:
        rule_id, name, actions = raw["id"], str(raw["name"]), raw["actions"]
        if not isinstance(rule_id, str) or not rule_id.strip():
            raise RuleError("bad_id", f"{where}: the id is a text that is not empty, got {rule_id!r}.")
        condition = parse_condition(raw["conditions"], where)
    except KeyError as error:
        raise RuleError("missing_key", f"{where}: {error} is missing.") from error
    if not isinstance(actions, list) or not actions:
        raise RuleError("no_actions", f"{where}: a rule needs at least one action.")
    return Rule(
        RuleId(rule_id),
        name,
        condition,
        tuple(parse_action(action, where) for action in actions),
        _typed(raw.get("priority", 100), int, "priority", where),
        _typed(raw.get("enabled", True), bool, "enabled", where),
        _typed(raw.get("examples", []), tuple[Example, ...], "examples", where),
    )


def _typed(value: object, kind: type[T], key: str, where: str) -> T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise RuleError("bad_value", f"{where}: '{key}': {error}.") from error


def _check_examples(rule: Rule) -> None:
    compiled = CompiledRules([rule.condition])
    for number, example in enumerate(rule.examples, 1):
        unknown = next((name for name in example.facts if name not in FACTS), None)
        if unknown:
            raise RuleError(
                "unknown_fact",
                f"{rule.id}, example {number}: no fact is called '{unknown}'{suggestion(unknown, FACTS)}",
            )
        for name, value in example.facts.items():
            kind = FACTS[name].kind
            if value is not None and not _fits(kind, value):
                raise RuleError(
                    "bad_value", f"{rule.id}, example {number}: '{name}' is a {kind}, got {value!r}."
                )
        if compiled.fired(example.facts)[0] is not example.fires:
            should = "should fire and does not" if example.fires else "fires and should not"
            raise RuleError("example_failed", f"{rule.id}: example {number} {should}.")


def _fits(kind: Kind, value: object) -> bool:
    """Whether a value is of a fact's kind; true is no number, and numbers are ones the engine can hold."""
    match kind:
        case Kind.NUMBER:
            return type(value) in {int, float} and -LARGEST <= float(str(value)) <= LARGEST
        case Kind.BOOLEAN:
            return isinstance(value, bool)
        case Kind.LIST:
            return isinstance(value, tuple)
        case _:
            return isinstance(value, str)


def _size(condition: Condition) -> int:
    return sum(len(leaf.value) if isinstance(leaf.value, tuple) else 1 for leaf in leaves(condition))


def _fired(rule: Rule, facts: Facts) -> Fired:
    escalates = any(isinstance(action, EscalateAction) for action in rule.actions)
    return Fired(rule.id, rule.name, trace(rule.condition, facts), escalates)


def _is_near(comparisons: Sequence[Comparison], facts: Facts) -> bool:
    """Whether all of several comparisons hold but one."""
    failing = (leaf for leaf in comparisons if holds(leaf, facts) is not True)
    return len(comparisons) > 1 and next(failing, None) is not None and next(failing, None) is None
