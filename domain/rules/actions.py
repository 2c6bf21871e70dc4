"""What a rule may do, and how the actions of several rules become one directive."""

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from domain.rules.facts import RuleError, suggestion

PRIORITIES = ("low", "normal", "high", "urgent")
METHODS = ("email", "slack", "teams", "push", "webhook")
DURATION = re.compile(r"(\d{1,4})_(minute|hour|day)s?")
MINUTES = {"minute": 1, "hour": 60, "day": 1_440}


class EscalateAction(Struct, frozen=True, tag="escalate"):
    """Hand over to people."""

    queue: str
    priority: str = "normal"


class NotifyAction(Struct, frozen=True, tag="notify"):
    """Tell somebody."""

    recipient: str
    method: str


class SlaAction(Struct, frozen=True, tag="sla"):
    """Promise a first response within `minutes`."""

    minutes: int


class PriorityAction(Struct, frozen=True, tag="set_priority"):
    """Raise the priority."""

    priority: str


class TagAction(Struct, frozen=True, tag="tag"):
    """Mark the conversation."""

    name: str


Action = EscalateAction | NotifyAction | SlaAction | PriorityAction | TagAction
ACTIONS: Mapping[str, tuple[str, ...]] = {
    "escalate": ("queue", "priority"),
    "notify": ("recipient", "method"),
    "sla": ("target",),
    "set_priority": ("priority",),
    "tag": ("name",),
}
"""Actions with the keys that each takes beside 'type'."""


class Directive(Struct, frozen=True):
    """The merged actions of all fired rules. `queue` None means: no rule asks for people."""

    queue: str | None = None
    priority: str = "normal"
    sla_minutes: int | None = None
    notify: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


def parse_action(raw: object, where: str) -> Action:
    """Read one action in the customer's form. Raises `RuleError`."""
    if not isinstance(raw, Mapping):
        raise RuleError("bad_action", f"{where}: an action is an object with a 'type', got {raw!r}.")
    for key in raw:
        known = ("type", *ACTIONS.get(str(raw.get("type")), tuple(str(k) for k in raw)))
        if key not in known:
            raise RuleError(
                "unknown_key", f"{where}: the '{raw['type']}' action has no '{key}'{suggestion(key, known)}"
            )
    match raw.get("type"):
        case "escalate":
            return EscalateAction(
                _text(raw, "queue", where), _one_of(raw, "priority", PRIORITIES, where, "normal")
            )
        case "notify":
            return NotifyAction(
                _text(raw, "recipient", where), _one_of(raw, "method", METHODS, where, "email")
            )
        case "sla":
            return SlaAction(_minutes(_text(raw, "target", where), where))
        case "set_priority":
            return PriorityAction(_one_of(raw, "priority", PRIORITIES, where, None))
        case "tag":
            return TagAction(_text(raw, "name", where))
        case other:
            raise RuleError(
                "unknown_action", f"{where}: no action is called '{other}'{suggestion(other, ACTIONS)}"
            )


def merge(actions: Sequence[Action]) -> Directive:
    """Merge actions in rule order: first queue, highest priority, tightest SLA, all of the rest."""
    escalations = [a for a in actions if isinstance(a, EscalateAction)]
    priorities = [a.priority for a in actions if isinstance(a, EscalateAction | PriorityAction)]
    return Directive(
        escalations[0].queue if escalations else None,
        max(priorities, key=PRIORITIES.index, default="normal"),
        min((a.minutes for a in actions if isinstance(a, SlaAction)), default=None),
        tuple(dict.fromkeys(f"{a.recipient} by {a.method}" for a in actions if isinstance(a, NotifyAction))),
        tuple(dict.fromkeys(a.name for a in actions if isinstance(a, TagAction))),
    )


def _text(raw: Mapping[object, object], key: str, where: str) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or not value.strip():
        raise RuleError("bad_action", f"{where}: the '{raw['type']}' action needs a text '{key}'.")
    return value


def _one_of(
    raw: Mapping[object, object], key: str, known: Sequence[str], where: str, default: str | None
) -> str:
    value = raw.get(key, default)
    if value not in known:
        raise RuleError(
            "bad_action",
            f"{where}: '{value}' is not a {key} ({', '.join(known)}){suggestion(value, known)}",
        )
    return str(value)


def _minutes(target: str, where: str) -> int:
    match = DURATION.fullmatch(target)
    if match is None:
        raise RuleError(
            "bad_action", f"{where}: an SLA target looks like '15_minutes' or '4_hours', got '{target}'."
        )
    return int(match.group(1)) * MINUTES[match.group(2)]
