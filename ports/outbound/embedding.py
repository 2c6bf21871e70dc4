"""Sentence embeddings and language detection: models that run in their own runtime."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from domain.nlu.understanding import Language


class Embedder(Protocol):
    """Turns texts into unit vectors. `model` names what makes them: vectors of two do not mix."""

    model: str

    @abstractmethod
    async def embed(self, text: str) -> NDArray[np.float32]:
        """The unit vector (d,) of one text; the same text gives the same vector. Off the event loop."""

    @abstractmethod
    async def embed_all(
        self, texts: Sequence[str], progress: Callable[[int], None] = lambda _: None
    ) -> NDArray[np.float32]:
        """Unit rows (n, d) in the order of `texts`; `progress` hears how many are done."""


class LanguageDetector(Protocol):
    """Tells the language of a text."""

    @abstractmethod
    def detect(self, text: str) -> Language:
        """The most likely language; confidence 0 and 'en' for text without letters."""
