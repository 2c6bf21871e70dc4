"""Content gaps: questions that found nothing, gathered by what they are about."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

SAME = 0.55
"""Cosine to a cluster's centre from which a question belongs to it."""
EXAMPLES = 5


class Gap(Struct, frozen=True):
    """Questions about the same: the most typical one, a few more, and how many there are.

    `messages` are their ids.
    """

    title: str
    examples: tuple[str, ...]
    volume: int
    messages: tuple[str, ...]


class Unanswered(Struct, frozen=True):
    """A question that found nothing, by its message."""

    message: str
    text: str


def gaps(questions: Sequence[Unanswered], vectors: NDArray[np.float32], least: int = 2) -> list[Gap]:
    """Clusters of at least `least` questions, the largest first, from unit embeddings (n, d).

    Each question joins the nearest cluster, or begins one (leader clustering; Hartigan, 1975); a second
    round assigns all anew, so that the order matters little.
    """
    if not questions:
        return []
    centres = _led(vectors)
    belongs = np.argmax(vectors @ centres.T, axis=1)
    found = []
    for cluster in range(len(centres)):
        members = np.flatnonzero(belongs == cluster)
        if len(members) < least:
            continue
        typical = members[np.argsort(-(vectors[members] @ centres[cluster]), kind="stable")]
        texts = list(dict.fromkeys(questions[n].text for n in typical.tolist()))
        found.append(
            Gap(
                texts[0],
                tuple(texts[1 : 1 + EXAMPLES]),
                len(members),
                tuple(questions[n].message for n in members.tolist()),
            )
        )
    return sorted(found, key=lambda gap: -gap.volume)


def _led(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit centres of the clusters, (k, d)."""
    sums = np.empty_like(vectors)
    count = 0
    for vector in vectors:
        norms = np.linalg.norm(sums[:count], axis=1)
        cosines = sums[:count] @ vector / norms
        near = int(np.argmax(cosines)) if count else 0
        if count and cosines[near] >= SAME:
            sums[near] += vector
        else:
            sums[count] = vector
            count += 1
    return np.asarray(sums[:count] / np.linalg.norm(sums[:count], axis=1, keepdims=True), np.float32)
