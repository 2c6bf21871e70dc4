"""Everything understood of one message."""

import re
from datetime import date

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from domain.nlu.affect import Feelings
from domain.nlu.entities import Entity, EntityFinder
from domain.nlu.intents import Guesser, Intent, IntentGuess
from domain.nlu.sentiment import Sentiment

CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
UNKNOWN = "unknown"


class Language(Struct, frozen=True):
    """ISO 639-1 code and confidence in 0..1; `others` are languages that further sentences are in."""

    code: str
    confidence: float
    others: tuple[str, ...] = ()


class Understanding(Struct, frozen=True):
    """What one message says: language, intent or unknown, entities, sentiment."""

    language: Language
    intent: IntentGuess
    entities: tuple[Entity, ...]
    sentiment: Sentiment

    @property
    def intent_name(self) -> str:
        """The intent's name, or 'unknown'."""
        return self.intent.name if self.intent.known else UNKNOWN


class Models(Struct, frozen=True):
    """What understanding needs besides the message; `intents` by name."""

    intents: dict[str, Intent]
    head: Guesser
    finder: EntityFinder
    feelings: Feelings


def understand(
    text: str,
    vector: NDArray[np.float32],
    language: Language,
    models: Models,
    today: date | None = None,
) -> Understanding:
    """Understand a message from its text, its unit embedding (d,), its language, and the day it came."""
    return Understanding(
        language,
        models.head.guess(text, vector),
        models.finder.find(text, today),
        models.feelings.read(CODE.sub(" ", text), vector),
    )
