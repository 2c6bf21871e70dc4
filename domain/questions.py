"""What to ask a customer whom nothing found answers: one question, and none that was put before."""

from collections.abc import Sequence

from domain.clarify import best_question
from domain.confidence import relevance
from domain.facts import Brain, Heard
from domain.nlu.intents import Intent
from domain.retrieval.passages import Hit
from domain.texts import ENGLISH, Texts


def next_question(
    heard: Heard, hits: Sequence[Hit], intent: Intent | None, brain: Brain, texts: Texts
) -> tuple[str, str, tuple[str, ...]]:
    """A question with its key and what to choose from; without a key the text that declines.

    First the fact that splits what was found best and what the intent asks for, where the intent is known and
    the message surely for us, then the nearest topic.
    """
    if brain.cues.probing(heard.whole):
        return "", texts.decline, ()
    if brain.cues.foreign(heard.whole):
        intent = None
    asked = heard.conversation.context.asked
    weights = [relevance(hit, brain.thresholds) for hit in hits]
    near = [(hit, w) for hit, w in zip(hits, weights, strict=True) if w >= brain.thresholds.hint]
    facets = brain.facets if intent else ()
    found = best_question(heard.whole, [hit for hit, _ in near], [w for _, w in near], facets, asked)
    if found is not None:
        return found.key, texts.which_one.format(options=", ".join(found.options)), found.options
    if intent and intent.clarify and texts.language == ENGLISH and f"intent:{intent.name}" not in asked:
        return f"intent:{intent.name}", texts.clarify.format(question=intent.clarify), ()
    if near and (key := f"topic:{near[0][0].passage.article}") not in asked:
        return key, texts.did_you_mean.format(topic=near[0][0].passage.title), ()
    return "", texts.decline, ()
