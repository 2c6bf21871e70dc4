"""A rule set: parsed, checked against its own examples, compiled once, evaluated in one pass."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from domain.ids import ContentHash, RuleId
from domain.rules.actions import Directive, EscalateAction, merge, parse_action
from domain.rules.condition import Condition, leaves, parse_condition
from domain.rules.english import parse as parse_english
from domain.rules.evaluate import Known
from domain.rules.explain import Checked, missing, trace
from domain.rules.facts import Fact, Facts, RuleError, Schema, fits, suggestion
from domain.rules.index import RuleIndex
from domain.rules.jsonlogic import CompiledRules, Program, from_jsonlogic
from domain.rules.rule import Example, Rule, SetExample

T = TypeVar("T")

MAX_SOURCE = 16_777_216
"""Bytes of a rule set: room for 10,000 rules with examples."""
MAX_RULES = 10_000
MAX_VALUES = 1_000_000
"""Comparisons and listed values of a whole rule set."""
MAX_PROGRAMS = 100
"""Imported expressions of a whole rule set; each is run in every turn, outside the index."""
MAX_TRACED = 20
"""Near misses, and possible rules, that a decision explains; a large set may have thousands."""
CONDITION_KEYS = ("conditions", "when", "logic")
RULE_KEYS = ("id", "name", "priority", "enabled", *CONDITION_KEYS, "actions", "examples", "note")
SET_KEYS = ("rules", "facts", "examples", "note")


class Fired(Struct, frozen=True):
    """A rule that fired, or might, or nearly did: every comparison's outcome, and the facts that lack."""

    rule: RuleId
    name: str
    checks: tuple[Checked, ...]
    escalates: bool
    missing: tuple[str, ...] = ()


class Decision(Struct, frozen=True):
    """What the rules say about one turn, and why.

    `near` misses fail by one known fact; `possible` rules would fire for some values of what is missing.
    """

    directive: Directive
    fired: tuple[Fired, ...]
    near: tuple[Fired, ...]
    possible: tuple[Fired, ...] = ()


class RuleSet:
    """An immutable, compiled set of rules. `hash` is the SHA-256 of its source as canonical JSON."""

    def __init__(self, rules: Sequence[Rule], content_hash: ContentHash, schema: Schema) -> None:
        self.hash, self.schema, self.all = content_hash, schema, tuple(rules)
        self.rules = tuple(sorted((r for r in rules if r.enabled), key=lambda r: (r.priority, r.id)))
        self.index = RuleIndex([rule.condition for rule in self.rules], schema)

    def directive(self, known: Known) -> Directive:
        """What the rules ask for, without the reasons; facts as `Schema.known` gives them."""
        return self.merged(self.index.certain(known))

    def merged(self, places: Iterable[int]) -> Directive:
        """The directive of the rules at some places, ascending."""
        return merge([action for place in places for action in self.rules[place].actions])

    def decide(self, facts: Facts) -> Decision:
        """Evaluate every rule once over frozen facts; no action triggers another rule."""
        known = self.schema.known(facts)
        verdicts = self.index.verdicts(known, MAX_TRACED)

        def traced(places: Sequence[int]) -> tuple[Fired, ...]:
            return tuple(_fired(self.rules[place], facts, known, self.schema) for place in places)

        return Decision(
            self.merged(verdicts.certain),
            traced(verdicts.certain),
            traced(verdicts.near),
            traced(verdicts.possible),
        )


def parse_ruleset(source: bytes, name: str, schema: Schema) -> RuleSet:
    """Read, check and compile a rule set as JSON; `name` is for messages. Raises `RuleError`.

    The source is a list of rules, or an object with 'rules', the tenant's own 'facts', 'examples' of whole
    decisions and a 'note'; one rule by itself, also under a single key, is read too.
    """
    if len(source) > MAX_SOURCE:
        raise RuleError("too_large", f"{name}: {len(source):,} bytes; a rule set has at most {MAX_SOURCE:,}.")
    try:
        raw = msgspec.json.decode(source)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RuleError("bad_json", f"{name}: {error}.") from error
    return read_ruleset(raw, name, schema)


def read_ruleset(raw: object, name: str, schema: Schema) -> RuleSet:
    """The same for data that was read before, from JSON or YAML."""
    if b"\\u0000" in msgspec.json.encode(raw):
        raise RuleError("bad_text", f"{name}: it holds a NUL character. Remove it.")
    document = _document(raw, name)
    custom = _typed(document.get("facts", []), list[Fact], "facts", name)
    schema = schema.with_custom(custom, name)
    listed = document["rules"]
    if not isinstance(listed, list) or len(listed) > MAX_RULES:
        raise RuleError("bad_ruleset", f"{name}: 'rules' is a list of at most {MAX_RULES:,} rules.")
    rules = [parse_rule(item, f"{name}, rule {number}", schema) for number, item in enumerate(listed, 1)]
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            raise RuleError("duplicate_rule", f"{name}: the id '{rule.id}' is used twice.")
        seen.add(rule.id)
        _check_examples(rule, schema)
    if sum(isinstance(rule.condition, Program) for rule in rules) > MAX_PROGRAMS:
        said = f"{name}: more than {MAX_PROGRAMS} imported expressions that no tree can say. Use trees."
        raise RuleError("too_many_programs", said)
    if sum(_size(rule) for rule in rules) > MAX_VALUES:
        raise RuleError("too_large", f"{name}: more than {MAX_VALUES:,} values in all. Split the rule set.")
    ruleset = RuleSet(rules, content_hash(raw), schema)
    _check_decisions(ruleset, _typed(document.get("examples", []), list[SetExample], "examples", name), name)
    return ruleset


def problems(raw: object, name: str, schema: Schema) -> list[RuleError]:
    """Everything that is wrong with a rule set, rule by rule; empty when `read_ruleset` would take it."""
    given = schema
    try:
        document = _document(raw, name)
        schema = schema.with_custom(_typed(document.get("facts", []), list[Fact], "facts", name), name)
        listed = document["rules"]
    except RuleError as error:
        return [error]
    found: list[RuleError] = []
    for number, item in enumerate(listed if isinstance(listed, list) else [], 1):
        try:
            _check_examples(parse_rule(item, f"{name}, rule {number}", schema), schema)
        except RuleError as error:
            found.append(error)
    if not found:
        try:
            read_ruleset(raw, name, given)
        except RuleError as error:
            found.append(error)
    return found


def content_hash(raw: object) -> ContentHash:
    """The SHA-256 of data as JSON with sorted keys, in hexadecimal."""
    return ContentHash(hashlib.sha256(msgspec.json.encode(raw, order="sorted")).hexdigest())


def parse_rule(raw: object, where: str, schema: Schema) -> Rule:
    """Read one rule in the customer's form (id, name, conditions, actions). Raises `RuleError`.

    'when' (an English sentence) or 'logic' (JSON-logic) may stand instead of 'conditions'.
    """
    if not isinstance(raw, Mapping):
        raise RuleError("bad_rule", f"{where}: a rule is an object, got {str(raw)[:100]}.")
    for key in raw:
        if key not in RULE_KEYS:
            raise RuleError("unknown_key", f"{where}: a rule has no '{key}'{suggestion(key, RULE_KEYS)}")
    where = str(raw.get("id") or where)
    try:
        rule_id, name, actions = raw["id"], str(raw["name"]), raw["actions"]
    except KeyError as error:
        raise RuleError("missing_key", f"{where}: {error} is missing.") from error
    if not isinstance(rule_id, str) or not rule_id.strip():
        raise RuleError("bad_id", f"{where}: the id is a text that is not empty, got {rule_id!r}.")
    condition = _condition(raw, where, schema)
    if not isinstance(actions, list) or not actions:
        raise RuleError("no_actions", f"{where}: a rule needs at least one action.")
    return Rule(
        RuleId(rule_id),
        name,
        condition,
        tuple(parse_action(action, where, schema) for action in actions),
        _typed(raw.get("priority", 100), int, "priority", where),
        _typed(raw.get("enabled", True), bool, "enabled", where),
        _typed(raw.get("examples", []), tuple[Example, ...], "examples", where),
        _typed(raw.get("note", ""), str, "note", where),
    )


def _document(raw: object, name: str) -> Mapping[str, Any]:
    if isinstance(raw, list):
        return {"rules": raw}
    if isinstance(raw, Mapping) and "rules" in raw:
        for key in raw:
            if key not in SET_KEYS:
                raise RuleError(
                    "unknown_key", f"{name}: a rule set has no '{key}'{suggestion(key, SET_KEYS)}"
                )
        return raw
    alone = next(iter(raw.values())) if isinstance(raw, Mapping) and len(raw) == 1 else raw
    if isinstance(alone, Mapping) and "actions" in alone:
        return {"rules": [alone]}
    raise RuleError("bad_ruleset", f"{name}: a rule set is a list of rules, or an object with 'rules'.")


def _condition(raw: Mapping[str, object], where: str, schema: Schema) -> Condition | Program:
    given = [key for key in CONDITION_KEYS if key in raw]
    if len(given) != 1:
        said = f"has both '{given[0]}' and '{given[1]}'" if given else "'conditions' is missing"
        raise RuleError("missing_key", f"{where}: {said}; give one of {', '.join(CONDITION_KEYS)}.")
    if given == ["conditions"]:
        return parse_condition(raw["conditions"], where, schema)
    if given == ["when"]:
        return parse_english(_typed(raw["when"], str, "when", where), where, schema)
    try:
        return from_jsonlogic(raw["logic"], where, schema)
    except RuleError as error:
        if error.code != "no_tree":
            raise
    program = Program(raw["logic"], where)
    for name in sorted(program.reads):
        schema.named(name, where)
    return program


def _typed(value: object, kind: type[T], key: str, where: str) -> T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise RuleError("bad_value", f"{where}: '{key}': {error}.") from error


def _check_examples(rule: Rule, schema: Schema) -> None:
    """Every example must come out right, by both engines where both can run the rule."""
    if not rule.examples:
        return
    index = RuleIndex([rule.condition], schema)
    other = None
    if not isinstance(rule.condition, Program) and all(
        leaf.operator != "matches" for leaf in leaves(rule.condition)
    ):
        other = CompiledRules([rule.condition], schema)
    for number, example in enumerate(rule.examples, 1):
        _check_facts(example.facts, f"{rule.id}, example {number}", schema)
        known = schema.known(example.facts)
        fires = bool(index.certain(known))
        if fires is not example.fires or (other is not None and other.fired(known) != [fires]):
            should = "should fire and does not" if example.fires else "fires and should not"
            raise RuleError("example_failed", f"{rule.id}: example {number} {should}.")


def _check_decisions(ruleset: RuleSet, examples: Sequence[SetExample], name: str) -> None:
    slots = Directive.__struct_fields__
    for number, example in enumerate(examples, 1):
        where = f"{name}, example {number}"
        _check_facts(example.facts, where, ruleset.schema)
        got = msgspec.to_builtins(ruleset.directive(ruleset.schema.known(example.facts)))
        for slot, wanted in example.decision.items():
            if slot not in slots:
                raise RuleError(
                    "unknown_key", f"{where}: a decision has no '{slot}'{suggestion(slot, slots)}"
                )
            if got[slot] != wanted:
                raise RuleError(
                    "example_failed", f"{where}: '{slot}' should be {wanted!r} and is {got[slot]!r}."
                )


def _check_facts(facts: Facts, where: str, schema: Schema) -> None:
    for name, value in facts.items():
        fact = schema.named(name, where)
        if value is not None and not fits(fact.kind, value):
            raise RuleError("bad_value", f"{where}: '{name}' is a {fact.kind}, got {value!r}.")


def _size(rule: Rule) -> int:
    if isinstance(rule.condition, Program):
        return 1
    return sum(len(leaf.value) if isinstance(leaf.value, tuple) else 1 for leaf in leaves(rule.condition))


def _fired(rule: Rule, facts: Facts, known: Known, schema: Schema) -> Fired:
    escalates = any(isinstance(action, EscalateAction) for action in rule.actions)
    if isinstance(rule.condition, Program):
        lacking = tuple(sorted(rule.condition.reads - known.keys()))
        return Fired(rule.id, rule.name, (), escalates, lacking)
    checks = trace(rule.condition, facts, known, schema)
    return Fired(rule.id, rule.name, checks, escalates, missing(rule.condition, known))
