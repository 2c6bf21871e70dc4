"""When people take over."""

import pytest

from adapters.starter.loader import schema
from domain.escalation import PERSON_INTENT, handoff_for
from domain.ids import RuleId
from domain.rules.actions import Directive
from domain.rules.ruleset import Decision, Fired
from tests.builders import an_understanding

QUIET = Decision(Directive(), (), ())
PERSON = an_understanding(intent=PERSON_INTENT, confidence=0.9)


def a_decision(*, fired: tuple[Fired, ...] = (), **directive: object) -> Decision:
    return Decision(Directive(**directive), fired, ())  # type: ignore[arg-type]  # names are checked by Directive


def test_an_ordinary_message_needs_nobody() -> None:
    assert handoff_for(QUIET, an_understanding(), ()) is None


def test_a_rule_that_asks_for_people_decides_queue_priority_and_promise() -> None:
    fired = (
        Fired(RuleId("R-1"), "Angry enterprise", (), escalates=True),
        Fired(RuleId("R-2"), "Billing", (), escalates=True),
    )
    decision = a_decision(
        fired=fired, queue="enterprise", priority="high", sla_minutes=15, notify=("lead by email",)
    )

    handoff = handoff_for(decision, an_understanding(), ())

    assert handoff is not None
    assert handoff.reason == "Rule R-1: Angry enterprise; Rule R-2: Billing"
    assert (handoff.queue, handoff.priority, handoff.sla_minutes) == ("enterprise", "high", 15)
    assert handoff.rules == ("R-1", "R-2")
    assert handoff.notify == ("lead by email",)


@pytest.mark.parametrize(
    ("signal", "reason", "priority"),
    [
        ("self_harm", "The customer may be in danger.", "urgent"),
        ("security_incident", "The message reports a security incident.", "urgent"),
        ("data_loss", "The message reports a loss of data.", "high"),
    ],
)
def test_a_risk_goes_to_people_whatever_the_rules_say(signal: str, reason: str, priority: str) -> None:
    handoff = handoff_for(QUIET, an_understanding(), ("urgent", signal))

    assert handoff is not None
    assert (handoff.reason, handoff.priority, handoff.queue) == (reason, priority, "support")
    assert handoff.rules == ()


@pytest.mark.parametrize(
    "signal",
    sorted(
        set(schema().facts["signals"].values)
        - {"self_harm", "security_incident", "data_loss", "wants_person"}
    ),
)
def test_other_signals_alone_call_nobody(signal: str) -> None:
    assert handoff_for(QUIET, an_understanding(), (signal,)) is None


def test_a_rule_goes_before_a_risk_and_a_risk_before_a_wish() -> None:
    ruled = handoff_for(a_decision(queue="legal"), PERSON, ("self_harm", "wants_person"))
    risky = handoff_for(QUIET, PERSON, ("wants_person", "self_harm"))

    assert ruled is not None
    assert risky is not None
    assert ruled.queue == "legal"
    assert risky.reason == "The customer may be in danger."


def test_the_wish_for_a_person_is_granted_by_phrase() -> None:
    handoff = handoff_for(QUIET, an_understanding(), ("wants_person",))

    assert handoff is not None
    assert handoff.reason == "The customer asked for a person."


@pytest.mark.parametrize(
    ("confidence", "known", "granted"),
    [(0.7, True, True), (0.69, True, False), (0.99, False, False)],
    ids=["sure enough", "not sure", "unlike anything known"],
)
def test_the_wish_for_a_person_is_granted_by_a_sure_intent(
    confidence: float, known: bool, granted: bool
) -> None:
    understood = an_understanding(intent=PERSON_INTENT, confidence=confidence, known=known)

    assert (handoff_for(QUIET, understood, ()) is not None) is granted


@pytest.mark.parametrize("signal", ["data_loss", "wants_person"])
def test_rules_that_ask_for_nobody_still_shape_the_handoff(signal: str) -> None:
    decision = a_decision(priority="urgent", sla_minutes=10, notify=("lead by slack",))

    handoff = handoff_for(decision, an_understanding(), (signal,))

    assert handoff is not None
    assert handoff.notify == ("lead by slack",)
    assert handoff.sla_minutes == 10
    assert handoff.priority == "urgent"
