"""The clock, fresh ids and language detection of this machine."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID

from py3langid.langid import MODEL_FILE, LanguageIdentifier
from uuid_utils.compat import uuid7

from domain.nlu.understanding import CODE, Language
from ports.outbound.clock import Clock, Ids
from ports.outbound.embedding import LanguageDetector

NOT_LANGUAGE = re.compile(
    r"https?://\S+|\b\w+__\w+\b|\b[A-Z]{3,}(?:_[A-Z0-9]+)+\b|\b[A-Z]\w+Exception\b|[\d_]+"
)
SENTENCES = re.compile(
    r"(?<=[.!?:;])\s+|[\n\"\u201c\u201d\u201e\u00ab\u00bb]+|\s[-\u2013\u2014]+\s|,\s+|[()]+"
)
SENTENCE_WORDS = 5
"""Words from which a part of a message tells its language."""
SURE = 0.9
"""Probability from which another language is believed."""
KEPT = 20_000
"""Texts whose language is remembered."""
FEW_WORDS = 3
"""With this many words or fewer detection guesses; English is assumed then, if the letters are Latin."""


class SystemClock(Clock):
    """This machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class TimeOrderedIds(Ids):
    """UUID version 7 (RFC 9562)."""

    def fresh(self) -> UUID:
        return uuid7()


class LangidDetector(LanguageDetector):
    """py3langid with normalised probabilities; code, addresses and error codes do not count as language."""

    def __init__(self) -> None:
        self._identifier = _identifier()
        self._remembered = lru_cache(KEPT)(self._detect)

    def detect(self, text: str) -> Language:
        return self._remembered(text)

    def _detect(self, text: str) -> Language:
        prose = NOT_LANGUAGE.sub(" ", CODE.sub(" ", text))
        words = [word for word in prose.split() if any(c.isalpha() for c in word)]
        if not words or (len(words) <= FEW_WORDS and prose.isascii()):
            return Language("en", 0.0)
        code, probability = self._identifier.classify(prose)
        return Language(str(code), round(float(probability), 3), self._others(prose, str(code)))

    def _others(self, prose: str, main: str) -> tuple[str, ...]:
        """The other languages of sentences and clauses, in their order."""
        parts = [part for part in SENTENCES.split(prose) if len(part.split()) >= SENTENCE_WORDS]
        if len(parts) < 2:  # noqa: PLR2004  # one sentence has one language
            return ()
        found = [self._identifier.classify(part) for part in parts]
        sure = (str(code) for code, probability in found if probability >= SURE)
        return tuple(dict.fromkeys(code for code in sure if code != main))


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
