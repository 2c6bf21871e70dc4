"""How far an article can be trusted, by what became of the answers that it gave."""

from msgspec import Struct

PRIOR_GOOD, PRIOR_ALL = 4, 5
"""An article that nobody used is taken to have helped four times out of five (a beta prior)."""
FRESH_DAYS = 365
HALVED_DAYS = 730
"""Days after the fresh year in which age halves the score."""
CONTRADICTED = 0.7
"""Factor for each other article that says otherwise."""
DOUBTFUL = 0.5
"""Score below which people should look at an article."""


class Standing(Struct, frozen=True):
    """What is known of an article: answers that it gave, those that helped and those that did not, its age.

    An answer helped if the customer said so (feedback, a rating of 4 or 5) or the conversation was resolved
    without people and the customer did not come back within 7 days; it did not if the contrary is known.
    """

    used: int = 0
    helped: int = 0
    failed: int = 0
    age_days: float = 0.0
    contradictions: int = 0


def trust(standing: Standing) -> float:
    """The score of an article in 0..1."""
    known = standing.helped + standing.failed
    helpful = (standing.helped + PRIOR_GOOD) / (known + PRIOR_ALL)
    age: float = 0.5 ** (max(0.0, standing.age_days - FRESH_DAYS) / HALVED_DAYS)
    denied: float = CONTRADICTED**standing.contradictions
    return round(helpful * age * denied, 3)


def doubts(standing: Standing) -> tuple[str, ...]:
    """Why an article should be looked at, in words."""
    found = []
    if standing.failed > standing.helped:
        found.append(f"{standing.failed} of {standing.used} answers did not help")
    if standing.contradictions:
        found.append(f"{standing.contradictions} other articles say otherwise")
    if standing.age_days > FRESH_DAYS:
        found.append(f"not changed for {standing.age_days:.0f} days")
    return tuple(found)
