"""What a message is to the talk before it: new, a follow-up, a reply to our question, 'that did not help'."""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from domain.ids import MessageId
from domain.message import Message
from domain.nlu.cues import Cues
from domain.nlu.entities import Entity
from domain.nlu.intents import IntentGuess
from domain.nlu.parts import MEANT
from domain.nlu.text import vocabulary
from domain.rules.facts import FactValue

MAX_CONTEXT_ENTITIES = 20
"""Entities remembered across turns (the customer's max_entities_per_message, kept for the whole context)."""
MAX_EXCHANGES, MAX_REMEMBERED, MAX_EARLIER = 4, 300, 10
"""Exchanges remembered, characters of a question, titles of exchanges before these."""
MIN_TERMS = 2
"""Topic words that a question of its own has at least."""
MAX_FOLLOW_UP_TERMS = 4
"""A message with at most this many topic words may lean on the question before it."""
NOT_HELPED = "not_helped"
"""The signal of a customer who says that the answer was no help."""
FOLLOW_UP = re.compile(
    r"^(?:and|but|also|what about|how about|what if|why|then|it|that|this|same|ok(?:ay)? (?:and|but))\b",
    re.IGNORECASE,
)
QUESTION = re.compile(
    r"(?:(?:and|but|also|then|ok(?:ay)?)\b[\s,]*)?(?!(?:what|how) (?:about|if)\b)"
    r"(?:how|what|where|when|which|who|why|can|could|do|does|is|are|should|i|my|we|our)\b",
    re.IGNORECASE,
)
"""How a question of its own begins, even behind an 'and'."""


class Move(StrEnum):
    """What a customer's message is to the talk before it."""

    QUESTION = "question"
    FOLLOW_UP = "follow_up"
    REPLY = "reply"
    NOT_HELPED = "not_helped"
    TOPIC_CHANGE = "topic_change"


class Asking(Struct, frozen=True):
    """What we asked the customer, and the message that made us ask, `heard` in some parts.

    `fact` is the rules' fact that was asked for; empty for a question about which passage is meant.
    """

    fact: str
    message: str
    at: datetime
    heard: tuple[MessageId, ...] = ()


class Exchange(Struct, frozen=True):
    """A question that was answered, shortened, and the titles of the articles that answered it."""

    question: str
    titles: tuple[str, ...]


class Context(Struct, frozen=True):
    """What later turns need of earlier ones.

    `unanswered_in_a_row` counts the turns that found nothing (clarified or declined) since the last answer,
    `topic_turns` the turns in a row that named the topic. `told` holds facts that the customer gave when
    asked, None for one that was asked for in vain. `language` is the last one surely heard. `asked` are keys
    of the questions that we put about this matter, `shown` the articles that answered the last question,
    `unhelped` how often in a row the customer said that they did not help. `exchanges` are the last questions
    that were answered, oldest first, `earlier` the titles that answered those before them.
    """

    topic: str | None = None
    last_question: str | None = None
    entities: tuple[Entity, ...] = ()
    unanswered_in_a_row: int = 0
    sentiment: tuple[float, ...] = ()
    topic_turns: int = 0
    asking: Asking | None = None
    told: Mapping[str, FactValue] = {}
    language: str | None = None
    asked: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    unhelped: int = 0
    exchanges: tuple[Exchange, ...] = ()
    earlier: tuple[str, ...] = ()

    def remembering(self, question: str, titles: tuple[str, ...]) -> "Context":
        """With one more exchange; of those that are too old the titles remain."""
        found = (*self.exchanges, Exchange(question[:MAX_REMEMBERED], titles))
        old, kept = found[:-MAX_EXCHANGES], found[-MAX_EXCHANGES:]
        titles_of_old = (title for one in old for title in one.titles)
        earlier = tuple(dict.fromkeys((*self.earlier, *titles_of_old)))[-MAX_EARLIER:]
        return replace(self, exchanges=kept, earlier=earlier)

    def after(
        self,
        *,
        topic: str | None,
        question: str | None,
        entities: tuple[Entity, ...],
        sentiment: float,
        answered: bool,
    ) -> "Context":
        """Return the context after a turn: new entities first, the topic kept when the turn named none."""
        merged: dict[tuple[str, str], Entity] = {}
        for entity in (*entities, *self.entities):
            merged.setdefault((entity.type, entity.value), entity)
        return replace(
            self,
            topic=topic or self.topic,
            last_question=(answered and question) or self.last_question,
            entities=tuple(merged.values())[:MAX_CONTEXT_ENTITIES],
            unanswered_in_a_row=0 if answered else self.unanswered_in_a_row + 1,
            sentiment=(*self.sentiment, sentiment)[-10:],
            topic_turns=0 if topic is None else self.repeats(topic) + 1,
        )

    def on_another_topic(self) -> "Context":
        """The context for a question about something else: what was asked and shown before is done with."""
        asking = self.asking if self.asking and self.asking.fact else None
        return replace(self, asking=asking, entities=(), asked=(), shown=(), unhelped=0)

    def answered_by(self, message: Message) -> Asking | None:
        """Our question that a message may answer; not one that was still on its way to the customer."""
        return self.asking if self.asking and message.at >= self.asking.at else None

    def whole(self, message: Message) -> str:
        """What the customer wants, when the message may be the answer to our question about it."""
        asked = self.answered_by(message)
        return f"{asked.message}\n{message.content}" if asked else message.content

    def repeats(self, topic: str) -> int:
        """Turns in a row, up to the last one, that named this topic."""
        return self.topic_turns if topic == self.topic else 0


class Reading(Struct, frozen=True):
    """A message read in its conversation: what it is, the text to search for, the context that holds now."""

    move: Move
    question: str
    context: Context


def read(message: Message, context: Context, alone: IntentGuess, cues: Cues) -> Reading:
    """Read a message; `alone` is the intent that it has by itself."""
    text = message.content
    if context.last_question and context.shown and NOT_HELPED in cues.signals(text):
        more = cues.without(NOT_HELPED, text)
        added = f" {more.strip()}" if len(vocabulary(more)) >= MIN_TERMS else ""
        return Reading(Move.NOT_HELPED, f"{context.last_question}{added}", replace(context, asking=None))
    asked, leaning = context.answered_by(message), _leans(text, context)
    if not leaning and _changes_topic(text, context, alone):
        context = context.on_another_topic()
        asked = context.answered_by(message)
        if asked is None:
            return Reading(Move.TOPIC_CHANGE, text, context)
    whole = context.whole(message)
    if asked is not None:
        return Reading(Move.REPLY, question_for(whole, context), context)
    return Reading(Move.FOLLOW_UP if leaning else Move.QUESTION, question_for(text, context), context)


def question_for(text: str, context: Context) -> str:
    """The text to search for: a short follow-up ('and in Apex?') is read with the question before it."""
    return f"{context.last_question} {text.strip()}" if _leans(text, context) else text


def _leans(text: str, context: Context) -> bool:
    words, said = len(vocabulary(text)), text.strip()
    own_question = words >= MIN_TERMS and QUESTION.match(said)
    return bool(
        context.last_question and words <= MAX_FOLLOW_UP_TERMS and FOLLOW_UP.match(said) and not own_question
    )


def _changes_topic(text: str, context: Context, alone: IntentGuess) -> bool:
    """Whether a message has enough to say, and surely about something else than the talk so far."""
    if context.topic is None or alone.name == context.topic:
        return False
    return alone.known and alone.confidence >= MEANT and len(vocabulary(text)) >= MIN_TERMS
