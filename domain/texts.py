"""The fixed texts that customers read, as one catalogue a language."""

from msgspec import Struct


class Texts(Struct, frozen=True, forbid_unknown_fields=True):
    """One language's texts; names in braces are filled in where the text has them."""

    greeting: str
    hello_again: str
    closing: str
    clarify: str
    did_you_mean: str
    decline: str
    offer_person: str
    handoff: str
    handoff_within: str
    acknowledged: str
    answered_in_english: str
    action_person: str
    action_resolved: str
    action_rephrase: str
    rate_limited: str
    approval: str
    ask_fact: str
    for_version: str
    closed: str
    several: str
