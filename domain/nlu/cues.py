"""Phrases that mean something by themselves: signals (legal threat, data loss, ...) and the kind of issue."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from domain.nlu.text import NOTHING, straight


class Cues:
    """Phrase lists compiled to one pattern each. A phrase may use regular-expression syntax."""

    def __init__(
        self,
        signals: Mapping[str, Sequence[str]],
        issue_types: Mapping[str, Sequence[str]],
        scope: Mapping[str, Sequence[str]] = {},
    ) -> None:
        """`scope` names products of others (`foreign`), of ours (`ours`), and what nobody is told."""
        names = "foreign", "ours", "probing"
        self._foreign, self._ours, self._probing = (phrases_pattern(scope.get(name, ())) for name in names)
        self._signals = {name: phrases_pattern(phrases) for name, phrases in signals.items()}
        self.signals = lru_cache(maxsize=1_000)(self._heard)
        """The signals whose phrases occur in a text; a turn asks several times."""
        self.foreign = lru_cache(maxsize=1_000)(self._not_ours)
        """Whether a text names products of others and none of ours, or is probing."""
        self._issue_types = {name: phrases_pattern(phrases) for name, phrases in issue_types.items()}

    def _heard(self, text: str) -> tuple[str, ...]:
        text = straight(text)
        return tuple(name for name, pattern in self._signals.items() if pattern.search(text))

    def without(self, signal: str, text: str) -> str:
        """The text less the phrases of a signal."""
        return self._signals[signal].sub(" ", straight(text))

    def probing(self, text: str) -> bool:
        """Whether the text is after our instructions or the data of others, or gives us another role."""
        return bool(self._probing.search(straight(text)))

    def _not_ours(self, text: str) -> bool:
        text = straight(text)
        others = bool(self._foreign.search(text)) and not self._ours.search(text)
        return others or self.probing(text)

    def issue_type(self, text: str) -> str | None:
        """The first kind of issue whose phrases occur in the text."""
        text = straight(text)
        return next((name for name, pattern in self._issue_types.items() if pattern.search(text)), None)


def phrases_pattern(phrases: Sequence[str]) -> re.Pattern[str]:
    """A pattern that finds any of the phrases as whole words."""
    if not phrases:
        return NOTHING
    return re.compile(r"(?<!\w)(?:" + "|".join(phrases) + r")(?!\w)", re.IGNORECASE)
