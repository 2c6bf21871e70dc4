"""What a rule may do, and how the actions of several rules become one directive."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar, cast

from msgspec import Struct

from domain.rules.facts import RuleError, Schema, suggestion

T = TypeVar("T")

PRIORITIES = ("low", "normal", "high", "urgent")
METHODS = ("email", "slack", "teams", "push", "webhook")
ROUTES = ("extractive", "local", "openai")
"""Model routes: the extractive writer, the self-hosted model, the hosted one."""
DURATION = re.compile(r"(\d{1,4})_(minute|hour|day)s?")
MINUTES = {"minute": 1, "hour": 60, "day": 1_440}
MAX_TEXT = 2_000
MAX_DEPTH = 3
"""Automations between a customer's word and an action; what lies deeper reaches nobody outside."""


class EscalateAction(Struct, frozen=True, tag="escalate"):
    """Hand over to people."""

    queue: str
    priority: str = "normal"


class RouteAction(Struct, frozen=True, tag="route"):
    """Say which queue and skill a handover goes to, without asking for one."""

    queue: str
    skill: str = ""


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


class ReplyAction(Struct, frozen=True, tag="reply_with"):
    """Answer with this text instead of the knowledge."""

    template: str


class AskAction(Struct, frozen=True, tag="ask"):
    """Ask the customer for a fact that is missing."""

    fact: str


class ApprovalAction(Struct, frozen=True, tag="request_approval"):
    """Let a person of this role approve the answer before it is sent."""

    role: str


class HandleAction(Struct, frozen=True, tag="handle_with"):
    """Choose the model route."""

    route: str


class CloseAction(Struct, frozen=True, tag="close"):
    """Resolve the conversation after the answer."""


class WebhookAction(Struct, frozen=True, tag="webhook"):
    """Call an endpoint that the tenant has set up under this name."""

    endpoint: str


Action = (
    EscalateAction
    | RouteAction
    | NotifyAction
    | SlaAction
    | PriorityAction
    | TagAction
    | ReplyAction
    | AskAction
    | ApprovalAction
    | HandleAction
    | CloseAction
    | WebhookAction
)
ACTIONS: Mapping[str, tuple[str, ...]] = {
    "escalate": ("queue", "priority"),
    "route": ("queue", "skill"),
    "notify": ("recipient", "method"),
    "sla": ("target",),
    "set_priority": ("priority",),
    "tag": ("name",),
    "reply_with": ("template",),
    "ask": ("fact",),
    "request_approval": ("role",),
    "handle_with": ("route",),
    "close": (),
    "webhook": ("endpoint",),
}
"""Actions with the keys that each takes beside 'type'."""


class Directive(Struct, frozen=True):
    """The merged actions of all fired rules. `queue` None means: no rule asks for people.

    `route` is the queue of a handover that something else may ask for, with `skill`.
    """

    queue: str | None = None
    priority: str = "normal"
    sla_minutes: int | None = None
    notify: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    route: str | None = None
    skill: str | None = None
    reply: str | None = None
    ask: tuple[str, ...] = ()
    approval: str | None = None
    model: str | None = None
    close: bool = False
    webhooks: tuple[str, ...] = ()


def parse_action(raw: object, where: str, schema: Schema) -> Action:  # noqa: C901, PLR0911, PLR0912  # one branch an action
    """Read one action in the customer's form. Raises `RuleError`."""
    if not isinstance(raw, Mapping):
        raise RuleError("bad_action", f"{where}: an action is an object with a 'type', got {raw!r}.")
    name = str(raw.get("type"))
    if name not in ACTIONS:
        raise RuleError("unknown_action", f"{where}: no action is called '{name}'{suggestion(name, ACTIONS)}")
    for key in raw:
        if key not in (known := ("type", *ACTIONS[name])):
            raise RuleError(
                "unknown_key", f"{where}: the '{name}' action has no '{key}'{suggestion(key, known)}"
            )
    match name:
        case "escalate":
            priority = _one_of(raw, "priority", PRIORITIES, where, "normal")
            return EscalateAction(_text(raw, "queue", where), priority)
        case "route":
            return RouteAction(_text(raw, "queue", where), _text(raw, "skill", where, default=""))
        case "notify":
            method = _one_of(raw, "method", METHODS, where, "email")
            return NotifyAction(_text(raw, "recipient", where), method)
        case "sla":
            return SlaAction(_minutes(_text(raw, "target", where), where))
        case "set_priority":
            return PriorityAction(_one_of(raw, "priority", PRIORITIES, where, None))
        case "tag":
            return TagAction(_text(raw, "name", where))
        case "reply_with":
            return ReplyAction(_text(raw, "template", where))
        case "ask":
            return AskAction(schema.named(_text(raw, "fact", where), where).name)
        case "request_approval":
            return ApprovalAction(_text(raw, "role", where))
        case "handle_with":
            return HandleAction(_one_of(raw, "route", ROUTES, where, None))
        case "close":
            return CloseAction()
        case _:
            return WebhookAction(_text(raw, "endpoint", where))


EXCLUSIVE: Mapping[str, Callable[[Action], str | None]] = {
    "queue": lambda a: a.queue if isinstance(a, EscalateAction) else None,
    "route": lambda a: f"{a.queue}/{a.skill}" if isinstance(a, RouteAction) else None,
    "reply": lambda a: a.template if isinstance(a, ReplyAction) else None,
    "approval": lambda a: a.role if isinstance(a, ApprovalAction) else None,
    "model": lambda a: a.route if isinstance(a, HandleAction) else None,
}
"""Slots that hold one value: the first rule by priority fills them. Rules of equal priority that can fire
together must not differ in one (analyse.py)."""


def merge(actions: Sequence[Action]) -> Directive:
    """Merge actions in rule order: exclusive slots from the first, top priority, tightest SLA, all else."""
    kinds: dict[type, list[Action]] = {}
    for action in actions:
        kinds.setdefault(type(action), []).append(action)
    escalations = _of(kinds, EscalateAction)
    routes = _of(kinds, RouteAction)
    priorities = [a.priority for a in escalations] + [a.priority for a in _of(kinds, PriorityAction)]
    return Directive(
        escalations[0].queue if escalations else None,
        max(priorities, key=PRIORITIES.index, default="normal"),
        min((a.minutes for a in _of(kinds, SlaAction)), default=None),
        _distinct(f"{a.recipient} by {a.method}" for a in _of(kinds, NotifyAction)),
        _distinct(a.name for a in _of(kinds, TagAction)),
        routes[0].queue if routes else None,
        routes[0].skill or None if routes else None,
        next((a.template for a in _of(kinds, ReplyAction)), None),
        _distinct(a.fact for a in _of(kinds, AskAction)),
        next((a.role for a in _of(kinds, ApprovalAction)), None),
        next((a.route for a in _of(kinds, HandleAction)), None),
        bool(_of(kinds, CloseAction)),
        _distinct(a.endpoint for a in _of(kinds, WebhookAction)),
    )


class Outward(Struct, frozen=True):
    """An action that reaches outside, under the key that every retry of its turn has again."""

    key: str
    rule: str
    action: Action


def outward(turn: str, fired: Iterable[tuple[str, Sequence[Action]]]) -> tuple[Outward, ...]:
    """The notifications and webhooks of fired rules, in rule order, equal ones once."""
    found: dict[Action, Outward] = {}
    for rule, actions in fired:
        for place, action in enumerate(actions):
            if isinstance(action, NotifyAction | WebhookAction) and action not in found:
                key = hashlib.sha256(f"{turn}/{rule}/{place}".encode()).hexdigest()[:32]
                found[action] = Outward(key, rule, action)
    return tuple(found.values())


def _of(kinds: Mapping[type, Sequence[Action]], kind: type[T]) -> Sequence[T]:
    return cast("Sequence[T]", kinds.get(kind, ()))


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _text(raw: Mapping[object, object], key: str, where: str, default: str | None = None) -> str:
    value = raw.get(key, default)
    if not isinstance(value, str) or (not value.strip() and value != default):
        raise RuleError("bad_action", f"{where}: the '{raw['type']}' action needs a text '{key}'.")
    if len(value) > MAX_TEXT:
        raise RuleError("bad_action", f"{where}: '{key}' has more than {MAX_TEXT:,} characters.")
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
