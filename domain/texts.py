"""The fixed texts that customers read, as one catalogue a language."""

from collections.abc import Mapping

from msgspec import Struct

ENGLISH = "en"
ALIASES = {"nb": "no", "nn": "no", "fil": "tl", "iw": "he", "in": "id", "ji": "yi"}
"""Other codes for languages of the catalogues (ISO 639-1 withdrawn ones, macrolanguages)."""


class Texts(Struct, frozen=True, forbid_unknown_fields=True):
    """One language's texts; names in braces are filled in where the text has them.

    `language` is its ISO 639 code, `right_to_left` the direction in which it is written.
    """

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
    next_best: str
    which_one: str
    corrected: str
    disclaimer: str
    unread_code: str
    checked: str
    language: str = ENGLISH
    right_to_left: bool = False


class Catalogue(Struct, frozen=True):
    """The texts by language; English is always there."""

    languages: Mapping[str, Texts]

    def of(self, *wanted: object) -> Texts:
        """The texts of the first language tag (BCP 47) that there are any for; else the English ones."""
        for tag in wanted:
            code = str(tag or "").replace("_", "-").split("-")[0].lower()
            found = self.languages.get(ALIASES.get(code, code))
            if found is not None:
                return found
        return self.languages[ENGLISH]
