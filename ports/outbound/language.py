"""Language models that write answers."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from domain.prompt import Prompt
from domain.routing import Link
from ports.errors import Unavailable


class Busy(Unavailable):
    """The endpoint failed often and is not called for a while."""


class Writing(Struct, frozen=True):
    """What a model wrote, with its own count of tokens, and when the first one came, in ms."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    first_token_ms: float | None


class LanguageModel(Protocol):
    """One model behind one endpoint. Cancelling a call ends it at the endpoint too."""

    @property
    @abstractmethod
    def link(self) -> Link:
        """Its place in the chain."""

    @abstractmethod
    def count(self, text: str) -> int:
        """How many tokens a text has, or some more."""

    @abstractmethod
    async def write(self, prompt: Prompt, wrote: Callable[[str], None] = lambda _: None) -> Writing:
        """Write an answer in the agreed form.

        `wrote` is told all there is so far, whenever a statement may have ended. Raises `Busy` while the
        endpoint is given a rest, `Unavailable` when it failed, was cut, or asks to wait, `Refused` when it
        will not answer this.
        """
