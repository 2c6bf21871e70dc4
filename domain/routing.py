"""Which language models may write an answer, and in which order."""

from collections.abc import Sequence

from msgspec import Struct

EXTRACTIVE, LOCAL, HOSTED = "extractive", "local", "openai"
"""Routes, as rules name them: the writer without a model, the self-hosted model, one outside."""
SENSITIVE_SIGNALS = frozenset({"legal_threat", "security_incident", "data_loss", "self_harm"})
SENSITIVE_DATA = frozenset({"secret", "card", "iban", "ssn", "account"})
"""Kinds of data whose turn no model outside sees, disguised or not."""


class Link(Struct, frozen=True):
    """A model of the chain: its name, its route, and the tokens that it can take in and give."""

    name: str
    route: str
    context: int


class Need(Struct, frozen=True):
    """What a turn asks of its writer. `wanted` is the route that a rule chose."""

    technical: bool = False
    sensitive: bool = False
    wanted: str | None = None


def chain(need: Need, links: Sequence[Link]) -> tuple[Link, ...]:
    """The models to try, best first; after the last one the extractive writer's answer stands.

    Technical turns go to the self-hosted model first, others to the one outside; a rule's choice comes
    before both. Sensitive turns stay inside, whatever a rule says.
    """
    if need.wanted == EXTRACTIVE:
        return ()
    first = need.wanted or (LOCAL if need.technical else HOSTED)
    allowed = [link for link in links if link.route == LOCAL or not need.sensitive]
    return tuple(sorted(allowed, key=lambda link: link.route != first))
