"""Things with sensible defaults, for tests that care about one field."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import numpy as np
from numpy.typing import NDArray

from domain.conversation import Channel, Conversation, Status
from domain.ids import ArticleId, ConversationId, MessageId, OrganizationId, UserId
from domain.message import Message, Sender
from domain.nlu.intents import IntentGuess
from domain.nlu.sentiment import Sentiment
from domain.nlu.understanding import Language, Understanding
from domain.retrieval.passages import Article, Hit, Passage
from ports.outbound.keys import Principal

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
ORGANIZATION = OrganizationId(UUID("01890000-0000-7000-8000-0000000000aa"))
OTHER_ORGANIZATION = OrganizationId(UUID("01890000-0000-7000-8000-0000000000bb"))


def a_message(
    content: str = "How do I reset my password?",
    *,
    sender: Sender = Sender.USER,
    at: datetime = NOW,
    in_reply_to: MessageId | None = None,
    kind: str = "",
) -> Message:
    return Message(MessageId(uuid4()), sender, content, at, (), in_reply_to, kind)


def a_conversation(
    *,
    status: Status = Status.ACTIVE,
    organization: OrganizationId = ORGANIZATION,
    user: UserId | None = None,
    channel: Channel = Channel.WEB,
    at: datetime = NOW,
    unanswered: int = 0,
    metadata: dict[str, object] | None = None,
) -> Conversation:
    """A conversation already greeted and saved (version 1), with nothing pending."""
    return Conversation(
        ConversationId(uuid4()),
        organization,
        user or UserId(uuid4()),
        channel,
        at,
        at,
        status,
        unanswered=unanswered,
        metadata=metadata or {},
        version=1,
    )


def a_new_conversation(
    *,
    organization: OrganizationId = ORGANIZATION,
    user: UserId | None = None,
    channel: Channel = Channel.WEB,
    at: datetime = NOW,
) -> Conversation:
    """A conversation just started: its greeting and event are pending."""
    greeting = a_message("Hello!", sender=Sender.SYSTEM, at=at, kind="greeting")
    return Conversation.start(
        ConversationId(uuid4()),
        organization,
        user or UserId(uuid4()),
        channel,
        greeting=greeting,
        metadata={},
    )


def an_article(
    body: str = "Click the link.\n\n## How?\n\n1. Open the page.\n2. Click the link.",
    *,
    identity: str = "KB-TEST-001",
    title: str = "Reset a password",
    category: str = "login",
) -> Article:
    return Article(ArticleId(identity), title, category, body)


def a_passage(
    body: str = "Click the link. Then enter a new password.",
    *,
    article: str = "KB-TEST-001",
    number: int = 0,
    title: str = "Reset a password",
    heading: str = "",
    category: str = "login",
) -> Passage:
    return Passage(ArticleId(article), number, title, heading, body, category)


def a_hit(
    passage: Passage | None = None,
    *,
    score: float = 1.0,
    bm25: float = 5.0,
    cosine: float = 0.8,
    coverage: float = 1.0,
) -> Hit:
    return Hit(passage or a_passage(), score, bm25, cosine, coverage)


def an_understanding(
    *,
    intent: str = "password_reset",
    confidence: float = 0.9,
    known: bool = True,
    score: float = 0.0,
    emotion: str = "neutral",
    language: str = "en",
) -> Understanding:
    return Understanding(
        Language(language, 0.9),
        IntentGuess(intent, confidence, known, -1.0),
        (),
        Sentiment(score, emotion, 0),
    )


def a_principal(
    *,
    organization: OrganizationId = ORGANIZATION,
    user: UserId | None = None,
    scopes: frozenset[str] = frozenset({"chat"}),
) -> Principal:
    return Principal(f"test:{user}", organization, user, scopes)


def a_unit_vector(*values: float) -> NDArray[np.float32]:
    vector = np.array(values, np.float32)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)
