"""One good question: the one whose answer tells the most about which article is meant."""

import math
import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from domain.ids import ArticleId
from domain.nlu.text import straight
from domain.retrieval.passages import Hit

MAX_OPTIONS = 4
LEAST_GAIN = 0.4
"""Bits from which a question is worth a customer's time; a question that halves the candidates gives one."""


class Facet(Struct, frozen=True):
    """Something that tells problems apart, like the tool or the kind of org: its values with their words."""

    name: str
    values: Mapping[str, re.Pattern[str]]

    def named(self, text: str) -> frozenset[str]:
        """The values that a text names."""
        text = straight(text)
        return frozenset(value for value, pattern in self.values.items() if pattern.search(text))


class Clarifying(Struct, frozen=True):
    """A question worth asking: under which key it is remembered, what to choose from, bits it tells."""

    key: str
    options: tuple[str, ...]
    gain: float


def best_question(
    text: str, hits: Sequence[Hit], weights: Sequence[float], facets: Sequence[Facet], asked: Sequence[str]
) -> Clarifying | None:
    """The facet that the customer did not name and that splits the candidates best, None if none does.

    Candidates are the articles of the hits, each as likely as its best hit's weight. The gain is the mutual
    information between the article meant and the value answered, in bits; an article that names no value
    of a facet, or several, is taken to go with each of them alike.
    """
    likely = _likely(hits, weights)
    found: list[Clarifying] = []
    for facet in facets:
        key = f"facet:{facet.name}"
        if key in asked or facet.named(text):
            continue
        named = {article: facet.named(said) for article, said in _texts(hits).items()}
        seen = frozenset[str]().union(*named.values())
        shares = {value: _share(value, named, likely) for value in facet.values if value in seen}
        options = sorted(shares, key=lambda value: -shares[value])[:MAX_OPTIONS]
        if len(options) > 1:
            found.append(Clarifying(key, tuple(options), round(_gain(options, named, likely), 3)))
    best = max(found, key=lambda one: one.gain, default=None)
    return best if best is not None and best.gain >= LEAST_GAIN else None


def _likely(hits: Sequence[Hit], weights: Sequence[float]) -> dict[ArticleId, float]:
    """Each article's probability, from the weight of its best hit."""
    best: dict[ArticleId, float] = {}
    for hit, weight in zip(hits, weights, strict=True):
        best[hit.passage.article] = max(weight, best.get(hit.passage.article, 0.0))
    total = sum(best.values()) or 1.0
    return {article: weight / total for article, weight in best.items()}


def _texts(hits: Sequence[Hit]) -> dict[ArticleId, str]:
    """What was found of each article; its title says most of what it is about."""
    found: dict[ArticleId, str] = {}
    for hit in hits:
        found.setdefault(hit.passage.article, hit.passage.title)
        found[hit.passage.article] += f"\n{hit.passage.heading}\n{hit.passage.body}"
    return found


def _gain(
    options: Sequence[str], named: Mapping[ArticleId, frozenset[str]], likely: Mapping[ArticleId, float]
) -> float:
    joint = [
        [p * _goes_with(value, named[article], options) for article, p in likely.items()] for value in options
    ]
    after = sum(sum(row) * _entropy([p / sum(row) for p in row]) for row in joint if sum(row))
    return _entropy(list(likely.values())) - after


def _goes_with(value: str, named: frozenset[str], options: Sequence[str]) -> float:
    """The probability that somebody who means this article answers with the value."""
    known = named.intersection(options)
    if not known:
        return 1 / len(options)
    return 1 / len(known) if value in known else 0.0


def _share(value: str, named: Mapping[ArticleId, frozenset[str]], likely: Mapping[ArticleId, float]) -> float:
    return sum(p / len(named[article]) for article, p in likely.items() if value in named[article])


def _entropy(probabilities: Sequence[float]) -> float:
    return -sum(p * math.log2(p) for p in probabilities if p > 0)
