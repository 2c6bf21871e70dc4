"""A tenant's own intents, and further utterances of those that everybody has."""

import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from domain.errors import DataFileError
from domain.message import refuse_unstorable
from domain.nlu.intents import Intent
from domain.nlu.text import normalised
from domain.plan import ResponseType

NAME = re.compile(r"[a-z][a-z0-9_]{2,59}")
RESERVED = frozenset({"model", "trainings"})
"""Names that mean something else in an address."""
LEAST = 10
"""Utterances from which an intent of one's own can be learned."""
MAX_UTTERANCES = 1_000
MAX_LENGTH = 500
"""Characters of an utterance."""
MAX_INTENTS = 300


class OwnIntent(Struct, frozen=True, forbid_unknown_fields=True):
    """An intent that a tenant adds, or utterances for one of the taxonomy.

    `tests` are messages that are never trained on: a new model must do as well on them as the one before.
    """

    name: str
    utterances: tuple[str, ...]
    tests: tuple[str, ...] = ()
    family: str = "own"
    description: str = ""
    response_type: str = "informational"
    issue_type: str = "other"
    clarify: str = ""
    asks: tuple[str, ...] = ()


def checked_intent(own: OwnIntent, taxonomy: Mapping[str, Intent], others: Iterable[OwnIntent]) -> OwnIntent:
    """The intent, or `DataFileError` with what is wrong and the mend."""
    if not NAME.fullmatch(own.name) or own.name in RESERVED:
        said = f"3 to 60 of a-z, 0-9 and _, a letter first; {' and '.join(sorted(RESERVED))} are taken."
        raise DataFileError("bad_name", f"'{own.name}' is no name: {said}")
    if own.response_type not in set(ResponseType):
        raise DataFileError("bad_response_type", f"response_type is one of {', '.join(ResponseType)}.")
    texts = [*own.utterances, *own.tests]
    refuse_unstorable("".join((*texts, own.family, own.description, own.clarify, *own.asks)), "intent")
    if any(not text.strip() or len(text) > MAX_LENGTH for text in texts):
        raise DataFileError("bad_utterance", f"an utterance has 1 to {MAX_LENGTH} characters.")
    if len(texts) > MAX_UTTERANCES:
        raise DataFileError("many_utterances", f"at most {MAX_UTTERANCES:,} utterances and tests are taken.")
    if own.name not in taxonomy and len(own.utterances) < LEAST:
        said = f"'{own.name}' has {len(own.utterances)} utterances, needs {LEAST}."
        raise DataFileError("few_utterances", said)
    seen = [normalised(text) for text in texts]
    twice = next((text for text in seen if seen.count(text) > 1), None)
    if twice is not None:
        raise DataFileError("utterance_twice", f"'{twice}' is there twice; tests are not trained on.")
    _refuse_taken(seen, [other for other in others if other.name != own.name])
    return own


def _refuse_taken(seen: Sequence[str], others: Sequence[OwnIntent]) -> None:
    """Raise `DataFileError` if there are too many intents already, or one has an utterance of these."""
    if len(others) >= MAX_INTENTS:
        raise DataFileError("many_intents", f"at most {MAX_INTENTS} intents of one's own; remove one first.")
    for other in others:
        theirs = {normalised(text) for text in other.utterances}
        shared = next((text for text in seen if text in theirs), None)
        if shared is not None:
            raise DataFileError("utterance_taken", f"'{shared}' is an utterance of '{other.name}' already.")


def merged(taxonomy: Sequence[Intent], own: Sequence[OwnIntent]) -> list[Intent]:
    """The taxonomy with a tenant's own intents, and with its utterances first where it adds some."""
    added = {one.name: one for one in own}
    known = {intent.name for intent in taxonomy}
    found = []
    for intent in taxonomy:
        more = added[intent.name].utterances if intent.name in added else ()
        texts = tuple(dict.fromkeys([*more, *intent.utterances]))
        found.append(replace(intent, utterances=texts) if more else intent)
    found += [
        Intent(
            one.name,
            one.family,
            one.description,
            one.response_type,
            one.issue_type,
            one.clarify,
            one.utterances,
            one.asks,
        )
        for one in own
        if one.name not in known
    ]
    return found
