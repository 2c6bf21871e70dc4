"""A candidate rule set on trial beside the live one: in shadow for nobody, as a canary for some."""

import hashlib
from collections.abc import Mapping
from typing import Literal
from uuid import UUID

from msgspec import Struct

from domain.ids import ContentHash, ConversationId
from domain.rules.actions import EscalateAction, NotifyAction, Outward, TagAction, merge, outward
from domain.rules.backtest import Interval, differing, paired_change
from domain.rules.facts import Facts, RuleError
from domain.rules.ruleset import Decision, RuleSet

BROKEN = (EscalateAction("support"), NotifyAction("operations", "webhook"), TagAction("rules_failed"))
"""What a turn comes to when its rules cannot be evaluated: people, and an alert."""
GUARDED_FROM = 50
"""Compared turns from which the guard judges a trial; fewer would stop it by chance."""


class Trial(Struct, frozen=True):
    """An open trial. `percent` of the conversations run the candidate; 0 is a shadow.

    The trial stops itself when the share of escalations moves by more than `bound`, up or down.
    """

    id: UUID
    candidate: ContentHash
    percent: int
    bound: float

    def takes(self, conversation: ConversationId) -> bool:
        """Whether a conversation runs the candidate: always the same answer for the same conversation."""
        digest = hashlib.sha256(f"{conversation}/{self.candidate}".encode()).digest()
        return int.from_bytes(digest[:8]) % 100 < self.percent


class Ruling(Struct, frozen=True):
    """What the rules in force say of a turn, which version said it, and what the other side would say."""

    decision: Decision
    ruleset: RuleSet
    failed: bool = False
    beside: "Beside | None" = None

    def outward(self, turn: str) -> tuple[Outward, ...]:
        """The actions of this turn that reach outside."""
        if self.failed:
            return outward(turn, [("rules_failed", BROKEN)])
        named = {rule.id: rule.actions for rule in self.ruleset.rules}
        return outward(turn, [(fired.rule, named[fired.rule]) for fired in self.decision.fired])


class InForce(Struct, frozen=True):
    """The rules that a turn runs on: the live ones, and a candidate while there is a trial."""

    live: RuleSet
    trial: Trial | None = None
    candidate: RuleSet | None = None

    def decide(self, facts: Facts, theirs: Facts, conversation: ConversationId) -> Ruling:
        """Decide once for each side, the candidate on `theirs`; one that fails leaves the turn to live."""
        live, failed = _decided(self.live, facts)
        if self.trial is None or self.candidate is None:
            return Ruling(live, self.live, failed)
        candidate, broken = _decided(self.candidate, theirs)
        takes = not broken and self.trial.takes(conversation)
        beside = Beside.of(live, candidate, ran_candidate=takes)
        if takes:
            return Ruling(candidate, self.candidate, beside=beside)
        return Ruling(live, self.live, failed, beside)


def _decided(rules: RuleSet, facts: Facts) -> tuple[Decision, bool]:
    """What a rule set says; when an imported expression fails on these facts, people look at the turn."""
    try:
        return rules.decide(facts), False
    except RuleError:
        return Decision(merge(BROKEN), (), ()), True


class Beside(Struct, frozen=True):
    """What both sides decided about one turn. `slots` holds what differs, as (live, candidate)."""

    ran: Literal["live", "candidate"]
    live: bool
    candidate: bool
    slots: Mapping[str, tuple[object, object]]

    @classmethod
    def of(cls, live: Decision, candidate: Decision, *, ran_candidate: bool) -> "Beside":
        """The comparison of two decisions; `live` and `candidate` say whether each asks for people."""
        old, new = live.directive, candidate.directive
        ran: Literal["live", "candidate"] = "candidate" if ran_candidate else "live"
        return cls(ran, old.queue is not None, new.queue is not None, differing(old, new))


class Compared(Struct, frozen=True):
    """How a trial stands: turns by who ran, turns decided differently, escalations gained and lost."""

    turns: int
    ran_candidate: int
    changed: int
    live_escalations: int
    gained: int
    lost: int

    @property
    def escalation_change(self) -> Interval:
        """The change of the escalated share, with its 95% interval."""
        return paired_change(self.gained, self.lost, self.turns)

    def exceeds(self, bound: float) -> bool:
        """Whether the guard stops the trial."""
        return self.turns >= GUARDED_FROM and abs(self.escalation_change.value) > bound
