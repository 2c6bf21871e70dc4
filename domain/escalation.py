"""When people take over, beside what the rules say: asked for, or too risky for a machine."""

from msgspec.structs import replace

from domain.conversation import Handoff
from domain.nlu.intents import ACT_ABOVE
from domain.nlu.understanding import Understanding
from domain.rules.actions import PRIORITIES
from domain.rules.ruleset import Decision

PERSON_INTENT = "talk_to_person"
WISH = "The customer asked for a person."
FAILED = "The rules could not be evaluated."
DOUBTFUL = "The answer is less sure than the error budget allows."
UNHELPED = "The answers did not help."
APPROVAL = "A rule wants the answer approved by {role} before the customer sees it."
RISKS = {
    "self_harm": ("The customer may be in danger.", "urgent"),
    "security_incident": ("The message reports a security incident.", "urgent"),
    "data_loss": ("The message reports a loss of data.", "high"),
}
"""Signals that no rule may keep from people, with reason and priority."""


def handoff_for(decision: Decision, understanding: Understanding, signals: tuple[str, ...]) -> Handoff | None:
    """The handoff that this turn calls for: fired rules first, then risk, then the wish; or None."""
    directive = decision.directive
    if directive.queue is not None:
        escalating = [fired for fired in decision.fired if fired.escalates]
        return Handoff(
            "; ".join(f"Rule {fired.rule}: {fired.name}" for fired in escalating) or FAILED,
            directive.queue,
            directive.priority,
            tuple(fired.rule for fired in escalating),
            directive.notify,
            directive.sla_minutes,
        )
    for signal in signals:
        if signal in RISKS:
            reason, priority = RISKS[signal]
            priority = max(priority, directive.priority, key=PRIORITIES.index)
            return replace(handed_over(decision, reason), priority=priority)
    asked = understanding.intent_name == PERSON_INTENT and understanding.intent.confidence >= ACT_ABOVE
    if asked or "wants_person" in signals:
        return handed_over(decision, WISH)
    return None


def handed_over(decision: Decision, reason: str, draft: str = "") -> Handoff:
    """A handoff for a reason of our own, where the rules send it; a draft is to be approved."""
    directive = decision.directive
    where = directive.route or "support"
    return Handoff(
        reason, where, directive.priority, (), directive.notify, directive.sla_minutes, draft=draft
    )


def approval_of(decision: Decision, draft: str) -> Handoff:
    """The handoff under which a person approves a drafted answer."""
    reason = APPROVAL.format(role=decision.directive.approval)
    return replace(handed_over(decision, reason, draft), rules=tuple(fired.rule for fired in decision.fired))
