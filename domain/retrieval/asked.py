"""What is searched for: short forms written out, misspelt words taken for those that are meant."""

import re
from collections.abc import Mapping, Sequence

from rapidfuzz import process
from rapidfuzz.distance import OSA

LEAST_LETTERS, LONG = 5, 9
"""Letters of a stem from which one letter may be wrong, and from which two may."""


class Abbreviations:
    """Short forms and what they stand for; one that has capitals is met in these very capitals only."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = dict(known)
        words = "|".join(re.escape(one) for one in sorted(known, key=len, reverse=True))
        self._pattern = re.compile(rf"(?<![\w.-])(?:{words})(?![\w-])", re.IGNORECASE) if words else None

    def written_out(self, text: str) -> str:
        """The text with what its short forms stand for after it; the text itself without any."""
        if self._pattern is None:
            return text
        found = dict.fromkeys(match.group() for match in self._pattern.finditer(text))
        said = text.casefold()
        longer = [long for short in found if (long := self._of(short)) and long.casefold() not in said]
        return f"{text} ({', '.join(dict.fromkeys(longer))})" if longer else text

    def _of(self, short: str) -> str | None:
        found = self._known.get(short)
        return found if found is not None else self._lower(short)

    def _lower(self, short: str) -> str | None:
        lower = short.lower()
        return self._known.get(lower)


class Spelling:
    """The words of an index, to tell what an unknown word of a question is misspelt from."""

    def __init__(self, terms: Sequence[str]) -> None:
        self._by_letter: dict[str, list[str]] = {}
        for term in terms:
            if len(term) >= LEAST_LETTERS and term.isalpha():
                self._by_letter.setdefault(term[0], []).append(term)

    def meant(self, term: str) -> str | None:
        """The nearest word that begins alike, if it is near enough (optimal string alignment)."""
        if len(term) < LEAST_LETTERS or not term.isalpha():
            return None
        allowed = 2 if len(term) >= LONG else 1
        found = process.extractOne(
            term, self._by_letter.get(term[0], ()), scorer=OSA.distance, score_cutoff=allowed
        )
        return None if found is None else str(found[0])
