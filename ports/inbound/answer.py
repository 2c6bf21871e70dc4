"""What the customer gets for a message."""

from msgspec import Struct

from domain.answer import Citation
from domain.conversation import Conversation, Status
from domain.ids import ConversationId, MessageId
from domain.nlu.entities import Entity
from domain.nlu.sentiment import Sentiment
from domain.nlu.understanding import Understanding
from domain.plan import Plan, ResponseType, Why
from domain.texts import ENGLISH


class Answer(Struct, frozen=True):
    """What the customer gets: the customer's MessageResponse, extended. `id` is the reply's message id.

    `language` is the message's, `reply_language` that of the reply's fixed parts. `requires_human_review`:
    a person looks at the drafted answer before the customer gets it. `disclaimer` goes with every answer from
    knowledge.
    """

    id: MessageId
    conversation_id: ConversationId
    message_id: MessageId
    response: str
    response_type: ResponseType
    confidence: float
    intent: str
    language: str
    citations: tuple[Citation, ...]
    suggested_actions: tuple[str, ...]
    requires_escalation: bool
    escalation_reason: str | None
    entities: tuple[Entity, ...]
    sentiment: Sentiment
    status: Status
    processing_time_ms: int
    why: Why
    reply_language: str = ENGLISH
    right_to_left: bool = False
    requires_human_review: bool = False
    disclaimer: str = ""


def answer_of(
    reply: MessageId,
    conversation: Conversation,
    message: MessageId,
    plan: Plan,
    understood: Understanding,
    ms: int,
) -> Answer:
    """The answer to a message under a plan that was applied to the conversation."""
    escalated = conversation.status is Status.ESCALATED
    return Answer(
        reply,
        conversation.id,
        message,
        plan.text,
        plan.response_type,
        plan.confidence,
        understood.intent_name,
        understood.language.code,
        plan.citations,
        plan.suggested_actions,
        escalated,
        conversation.handoff.reason if escalated and conversation.handoff else None,
        understood.entities,
        understood.sentiment,
        conversation.status,
        ms,
        plan.why,
        plan.language,
        plan.right_to_left,
        bool(plan.handoff and plan.handoff.draft),
        plan.disclaimer,
    )
