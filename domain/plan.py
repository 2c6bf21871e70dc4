"""What a turn comes to: what is said, what follows, and every reason."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from domain.answer import Citation, Draft
from domain.confidence import Confidence
from domain.conversation import Handoff
from domain.dialogue import Context, Move
from domain.ids import ContentHash, MessageId
from domain.retrieval.passages import Hit
from domain.routing import EXTRACTIVE
from domain.rules.actions import Outward
from domain.rules.ruleset import Decision
from domain.rules.trial import Beside
from domain.salesforce.checking import Unread
from domain.salesforce.pasted import Looked
from domain.texts import ENGLISH


class ResponseType(StrEnum):
    """The customer's response types."""

    INFORMATIONAL = "informational"
    INSTRUCTIONAL = "instructional"
    TECHNICAL = "technical"
    CLARIFICATION = "clarification"
    ESCALATION = "escalation"


class Outcome(StrEnum):
    """What became of the turn."""

    ANSWERED = "answered"
    CLARIFIED = "clarified"
    DECLINED = "declined"
    ESCALATED = "escalated"
    SMALL_TALK = "small_talk"
    SCRIPTED = "scripted"
    ACKNOWLEDGED = "acknowledged"


HELPED = frozenset({Outcome.ANSWERED, Outcome.SMALL_TALK, Outcome.SCRIPTED})
"""Outcomes after which the customer has what they asked for."""


class Written(Struct, frozen=True):
    """An answer from knowledge that its passages support. `route` is who wrote it.

    `corrects` are statements that the customer was shown before, and that it contradicts.
    """

    draft: Draft
    confidence: Confidence
    hits: tuple[Hit, ...]
    several: bool = False
    route: str = EXTRACTIVE
    corrects: tuple[str, ...] = ()


class Considered(Struct, frozen=True):
    """A passage that was weighed for the answer."""

    passage_id: str
    title: str
    score: float
    bm25: float
    cosine: float
    coverage: float


class Attempt(Struct, frozen=True):
    """One try to have a model write: what became of it, how long it took, and what it cost.

    `first_token_ms` and `error` are there where there was one. Tokens are the endpoint's own count; without
    one those of the prompt are ours, since they may be charged. `cost` is in US dollars.
    """

    model: str
    outcome: str
    ms: float
    first_token_ms: float | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    error: str | None = None
    cost: float = 0.0


class Models(Struct, frozen=True):
    """What language models did in a turn: under which prompt, and how much was disguised before, by kind."""

    prompt: str
    attempts: tuple[Attempt, ...]
    disguised: Mapping[str, int]


class Why(Struct, frozen=True):
    """Every reason of a turn, stored with it and shown. Personal facts are left out.

    `move` is what the message is to the talk before it, `after` the customer's messages before this one that
    it was read with, since it answers our question, `unread` the code in the answer that cannot be parsed,
    `looked` what is wrong in the code and the errors that the customer pasted.
    """

    outcome: Outcome
    route: str
    question: str
    confidence: Confidence
    facts: Mapping[str, object]
    rules: Decision | None
    passages: tuple[Considered, ...]
    ruleset: ContentHash
    after: tuple[MessageId, ...] = ()
    models: Models | None = None
    move: Move = Move.QUESTION
    unread: tuple[Unread, ...] = ()
    looked: Looked = Looked()


class Plan(Struct, frozen=True):
    """What to say, and why. `handoff` is set when people take over, `close` when this was the last word.

    `outward` are the rules' actions that reach outside, `beside` what a trial makes of the turn, `language`
    that of the fixed texts, `written` the answer from knowledge in `text`, if there is one; then there is a
    `disclaimer` too.
    """

    text: str
    response_type: ResponseType
    confidence: float
    citations: tuple[Citation, ...]
    suggested_actions: tuple[str, ...]
    handoff: Handoff | None
    context: Context
    why: Why
    close: bool = False
    outward: tuple[Outward, ...] = ()
    beside: Beside | None = None
    language: str = ENGLISH
    right_to_left: bool = False
    written: Written | None = None
    disclaimer: str = ""

    @property
    def answered(self) -> bool:
        """Whether the customer got what they asked for."""
        return self.why.outcome in HELPED
