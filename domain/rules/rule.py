"""One rule, and the examples that it or a whole set carries."""

from collections.abc import Mapping

from msgspec import Struct

from domain.ids import RuleId
from domain.rules.actions import Action
from domain.rules.condition import Condition
from domain.rules.jsonlogic import Program


class Example(Struct, frozen=True, forbid_unknown_fields=True):
    """Facts under which the rule must fire, or must not. Publishing fails unless all hold."""

    facts: Mapping[str, float | str | bool | tuple[str, ...] | None]
    fires: bool


class SetExample(Struct, frozen=True, forbid_unknown_fields=True):
    """Facts, and slots of the directive that the whole set must come to."""

    facts: Mapping[str, float | str | bool | tuple[str, ...] | None]
    decision: Mapping[str, object]


class Rule(Struct, frozen=True):
    """One rule. Lower `priority` numbers go first; equal ones by id.

    `condition` is a tree, or an imported JSON-logic expression that no tree can say.
    """

    id: RuleId
    name: str
    condition: Condition | Program
    actions: tuple[Action, ...]
    priority: int = 100
    enabled: bool = True
    examples: tuple[Example, ...] = ()
    note: str = ""
