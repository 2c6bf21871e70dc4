"""Things with sensible defaults, for tests that care about one field."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec
import numpy as np
from numpy.typing import NDArray

from adapters.starter.loader import calendar, schema
from domain.confidence import Thresholds
from domain.conversation import Channel, Conversation, Status
from domain.facts import Brain, Heard
from domain.ids import ArticleId, ConversationId, MessageId, OrganizationId, UserId
from domain.message import Message, Sender
from domain.nlu.affect import EMOTIONS, STEPS, AffectModel, Feelings
from domain.nlu.cues import Cues
from domain.nlu.grams import Vocabulary
from domain.nlu.intents import Head, Intent, IntentGuess, IntentModel, Novelty, Scale
from domain.nlu.sentiment import ASPECTS, Lexicon, Sentiment
from domain.nlu.understanding import Language, Understanding
from domain.retrieval.asked import Abbreviations
from domain.retrieval.passages import Article, Hit, Passage
from domain.rules.ruleset import RuleSet, parse_ruleset
from domain.texts import Catalogue, Texts
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


def an_intent_model(
    names: tuple[str, ...] = ("east", "north"),
    *,
    words: tuple[str, ...] = (),
    share: float = 0.0,
    temperature: float = 1.0,
    threshold: float = 2.0,
    outliers: tuple[NDArray[np.float32], ...] = (),
) -> IntentModel:
    """Two intents, towards (1, 0) and (0, 1), with three utterances each; word n speaks for intent n."""
    east, north = a_unit_vector(1, 0), a_unit_vector(0, 1)
    return IntentModel(
        names,
        Head(np.array([[5, 0], [0, 5]], np.float32), np.zeros(2, np.float32), 1.0),
        Head(np.eye(len(words), 2, dtype=np.float32) * 5, np.zeros(2, np.float32), 1.0),
        Vocabulary({word: n for n, word in enumerate(words)}, np.ones(len(words), np.float32)),
        share,
        temperature,
        Novelty(
            np.array([east, east, east, north, north, north]),
            np.array(outliers, np.float32).reshape(-1, 2),
            Scale(-5.0, 0.5),
            Scale(0.1, 0.1),
            Scale(-0.5, 0.2),
            threshold,
        ),
    )


def an_intent(
    name: str = "password_reset",
    *,
    response_type: str = "instructional",
    issue_type: str = "access",
    clarify: str = "",
    utterances: tuple[str, ...] = ("reset my password",),
) -> Intent:
    return Intent(name, "login", name, response_type, issue_type, clarify, utterances)


def a_rule(
    conditions: object = None,
    actions: object = None,
    *,
    identity: str = "RULE-1",
    name: str = "A rule",
    **more: object,
) -> dict[str, object]:
    """A rule in the customer's form; without conditions it fires for every message with a sentiment."""
    return {
        "id": identity,
        "name": name,
        "conditions": conditions or {"field": "sentiment_score", "operator": "exists"},
        "actions": actions or [{"type": "tag", "name": "seen"}],
        **more,
    }


def a_ruleset(*rules: object) -> RuleSet:
    return parse_ruleset(msgspec.json.encode(rules), "test.json", schema())


def some_texts() -> Texts:
    """Texts that name themselves."""
    return Texts(
        greeting="greeting",
        hello_again="hello again",
        closing="closing",
        clarify="clarify: {question}",
        did_you_mean="did you mean: {topic}",
        decline="decline",
        offer_person="offer a person",
        handoff="handoff",
        handoff_within="handoff within {minutes}",
        acknowledged="acknowledged",
        answered_in_english="answered in English",
        action_person="action: person",
        action_resolved="action: resolved",
        action_rephrase="action: rephrase",
        rate_limited="wait {seconds}",
        approval="to be approved",
        ask_fact="ask: {fact}",
        for_version="for {version}",
        closed="closed",
        several="several",
        next_best="next best",
        which_one="which one: {options}",
        corrected="not so: {before}",
        disclaimer="written by AI",
        unread_code="{language} not understood in line {line}",
        checked="Looked at the {language}:",
    )


def a_brain(*intents: Intent, cues: Cues | None = None) -> Brain:
    """Relevance is a half at cosine 0.5 and above 0.9 at 0.8; answers begin at 0.6 and hints at 0.3."""
    return Brain(
        {intent.name: intent for intent in intents or (an_intent(),)},
        cues or Cues({"data_loss": ["lost everything"], "wants_person": ["real person"]}, {}),
        Catalogue({"en": some_texts()}),
        Thresholds(bias=-5.0, cosine=10.0, coverage=0.0, floor=0.6, hint=0.3),
        calendar(),
        Abbreviations({}),
    )


def something_heard(
    content: str = "How do I reset my password?",
    *,
    conversation: Conversation | None = None,
    question: str | None = None,
    tier: str = "professional",
    at: datetime = NOW,
) -> Heard:
    """A message in its conversation, just heard; the text searched for is the message unless given."""
    return Heard(conversation or a_conversation(), a_message(content, at=at), question or content, tier, at)


def lexical_feelings(lexicon: Lexicon, dimensions: int = 2) -> Feelings:
    """A model of feelings that says what the lexicon does, for embeddings of some dimensions."""
    outputs = len(EMOTIONS) + len(STEPS) + 1 + 3 * len(ASPECTS)
    dense = np.zeros((dimensions + 6 + len(EMOTIONS) + len(ASPECTS), outputs), np.float32)
    for place in range(len(EMOTIONS)):
        dense[dimensions + 6 + place, place] = 10.0
    dense[dimensions, len(EMOTIONS) : len(EMOTIONS) + len(STEPS)] = 20 * np.array(STEPS)
    bias = np.zeros(outputs, np.float32)
    bias[len(EMOTIONS) + STEPS.index(0.0)] = 3.0
    bias[len(EMOTIONS) + len(STEPS) + 1 :: 3] = 5.0
    words = Vocabulary({"no such gram": 0}, np.ones(1, np.float32))
    model = AffectModel(words, dense, np.zeros((1, outputs), np.float16), bias)
    return Feelings(model, lexicon)
