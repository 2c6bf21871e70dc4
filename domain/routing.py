"""Which language models may write an answer, and in which order."""

from collections.abc import Sequence

from msgspec import Struct

EXTRACTIVE, LOCAL, HOSTED = "extractive", "local", "openai"
"""Routes, as rules name them: the writer without a model, the self-hosted model, one outside."""
SENSITIVE_SIGNALS = frozenset({"legal_threat", "security_incident", "data_loss", "self_harm"})
SENSITIVE_DATA = frozenset({"secret", "card", "iban", "ssn", "account"})
"""Kinds of data whose turn no model outside sees, disguised or not."""


class Link(Struct, frozen=True):
    """A model of the chain: its name, its route, and the tokens that it can take in and give.

    `price_in` and `price_out` are US dollars for a million tokens.
    """

    name: str
    route: str
    context: int
    price_in: float = 0.0
    price_out: float = 0.0

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """What a request costs in US dollars."""
        return (prompt_tokens * self.price_in + completion_tokens * self.price_out) / 1_000_000

    @property
    def is_free(self) -> bool:
        """Whether nobody is paid for it."""
        return not (self.price_in or self.price_out)


class Need(Struct, frozen=True):
    """What a turn asks of its writer.

    `wanted` is the route that a rule chose, `routes` those that the tenant allows, None for all; `free` when
    nothing may be paid any more today.
    """

    technical: bool = False
    sensitive: bool = False
    wanted: str | None = None
    routes: tuple[str, ...] | None = None
    free: bool = False


def chain(need: Need, links: Sequence[Link]) -> tuple[Link, ...]:
    """The models to try, best first; after the last one the extractive writer's answer stands.

    Technical turns go to the self-hosted model first, others to the one outside; a rule's choice comes
    before both. Sensitive turns stay inside, and routes that the tenant shut stay shut, whatever a rule says.
    """
    if need.wanted == EXTRACTIVE:
        return ()
    first = need.wanted or (LOCAL if need.technical else HOSTED)
    allowed = [
        link
        for link in links
        if (link.route == LOCAL or not need.sensitive)
        and (need.routes is None or link.route in need.routes)
        and (link.is_free or not need.free)
    ]
    return tuple(sorted(allowed, key=lambda link: link.route != first))
