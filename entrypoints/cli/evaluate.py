"""`casepilot eval`: measures on data in public formats."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from domain.errors import DataFileError
from domain.rules.evaluate import verdict
from domain.rules.facts import Fact, Kind, RuleError, Schema
from domain.rules.jsonlogic import Program, from_jsonlogic, truthy

KINDS: Mapping[type, Kind] = {
    bool: Kind.BOOLEAN,
    int: Kind.NUMBER,
    float: Kind.NUMBER,
    str: Kind.TEXT,
    list: Kind.LIST,
}
CASE = 3
"""Parts of a test: the rule, the data, what it makes."""


def evaluate_rules(path: Path) -> dict[str, Any]:
    """The official JSON-logic tests, through datalogic and, where one can say the rule, the typed tree."""
    passed = total = expressible = agree = 0
    failed: list[object] = []
    for logic, data, expected in _cases(path):
        total += 1
        try:
            right = _equal(Program(logic, "test").value(data), expected)
        except RuleError:
            right = False
        passed += right
        if not right:
            failed.append([logic, data, expected])
        said = _as_tree(logic, data)
        if said is not None:
            expressible += 1
            agree += said is truthy(expected)
    return {
        "passed": passed,
        "total": total,
        "typed_tree": {"expressible": expressible, "agree": agree},
        "failed": failed,
    }


def _cases(path: Path) -> list[tuple[object, object, object]]:
    try:
        raw = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise DataFileError("unreadable", f"{path}: {error.strerror or error}.") from error
    except msgspec.DecodeError as error:
        raise DataFileError("bad_file", f"{path}: {error}.") from error
    if not isinstance(raw, list):
        raise DataFileError("bad_file", f"{path}: a list of tests [rule, data, result] is expected.")
    return [(case[0], case[1], case[2]) for case in raw if isinstance(case, list) and len(case) == CASE]


def _as_tree(logic: object, data: object) -> bool | None:
    """What the typed tree makes of a rule over its data; None when no tree can say it."""
    facts = _flat(data) if isinstance(data, dict) else {}
    declared = [
        Fact(name, KINDS[type(value)], name, "test") for name, value in facts.items() if type(value) in KINDS
    ]
    schema = Schema(declared)
    try:
        tree = from_jsonlogic(logic, "test", schema)
    except RuleError:
        return None
    return verdict(tree, schema.known(facts)) is True


def _flat(data: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested data as facts with dotted names."""
    found: dict[str, Any] = {}
    for name, value in data.items():
        nested = isinstance(value, dict)
        found |= _flat(value, f"{before}{name}.") if nested else {f"{before}{name}": value}
    return found


def _equal(one: object, other: object) -> bool:
    """Equality of JSON values: 1 and 1.0 are one number, true is none."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return one == other
