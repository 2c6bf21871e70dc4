"""The answer that passages give word for word, to one request or to several in turn."""

from msgspec import Struct

from domain.answer import judge, together, write
from domain.confidence import answers, confidence, relevance
from domain.facts import Brain
from domain.nlu.intents import IntentGuess
from domain.nlu.text import tokens, vocabulary
from domain.plan import ResponseType, Written
from domain.retrieval.passages import Hit

MIN_SEVERAL = 2


class Request(Struct, frozen=True):
    """One of several things that a message asks for, with what was found for it."""

    text: str
    intent: str
    hits: tuple[Hit, ...]


def from_passages(
    whole: Request, requests: tuple[Request, ...], brain: Brain, guess: IntentGuess
) -> Written | None:
    """The answer to a message, in turn if it asks for several things; None without one that is supported."""
    return _several(requests, brain, guess) or _written(whole, brain, guess)


def _several(requests: tuple[Request, ...], brain: Brain, guess: IntentGuess) -> Written | None:
    """The answers to several requests in turn; None unless at least two have one of their own."""
    found = [one for one in (_written(request, brain, guess) for request in requests) if one is not None]
    if len({one.draft.citations[0].article_id for one in found}) < MIN_SEVERAL:
        return None
    least = min((one.confidence for one in found), key=lambda parts: parts.value)
    hits = tuple(dict.fromkeys(hit for one in found for hit in one.hits))
    return Written(together([one.draft for one in found]), least, hits, several=True)


def _written(request: Request, brain: Brain, guess: IntentGuess) -> Written | None:
    """The answer that the knowledge gives, or None when it has none that is supported."""
    hits = request.hits
    if not answers(hits, brain.thresholds):
        return None
    article, hint = hits[0].passage.article, brain.thresholds.hint
    relevant = [h for h in hits if h.passage.article == article or relevance(h, brain.thresholds) >= hint]
    intent = brain.intents.get(request.intent)
    kind = intent.response_type if intent else ""
    steps = kind == ResponseType.INSTRUCTIONAL or "how" in tokens(request.text)
    draft = write(request.text, relevant, wants_steps=steps, wants_code=kind == ResponseType.TECHNICAL)
    judged, support = judge(draft, [h.passage for h in relevant])
    if not judged.paragraphs:
        return None
    sure = confidence(
        hits,
        support,
        brain.thresholds,
        guess,
        foreign=brain.cues.foreign(request.text),
        words=len(vocabulary(request.text)),
    )
    return Written(judged, sure, tuple(relevant)) if sure.value >= brain.thresholds.least else None
