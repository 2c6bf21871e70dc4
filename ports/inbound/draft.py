"""Have language models write an answer, one after another, until one can be proved; none of them must."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from domain.answer import Draft, judge, statements
from domain.errors import DataFileError
from domain.facts import Heard
from domain.grounding import Near, supports
from domain.plan import Attempt, Models, Outcome, Plan, ResponseType, Written
from domain.prompt import Template, prompt, read_draft
from domain.redaction import Disguise
from domain.retrieval.chunking import blocks
from domain.retrieval.passages import Hit, Passage
from domain.routing import LOCAL, SENSITIVE_DATA, SENSITIVE_SIGNALS, Need, chain
from ports.errors import Refused, WorldError
from ports.outbound.embedding import Embedder
from ports.outbound.language import Busy, LanguageModel

SHARE = 0.9
"""Share of the deadline that models may take; the rest is for proving and saying what they wrote."""
LEAST_SUPPORT = 0.8
"""Share of a draft's statements that must be held by their passages, or all of it is thrown away."""
PERSONAL = (("name", "person"), ("email", "email"), ("phone", "phone"))
"""Metadata about the customer that no model outside sees, with its kinds."""


class Task(Struct, frozen=True):
    """What to answer from which passages. `first` is the extractive answer, which stands if no model's does.

    `known` are strings about the customer that are personal for sure, with their kinds.
    """

    question: str
    language: str
    first: Written
    need: Need
    known: Mapping[str, str] = {}


class Drafted(Struct, frozen=True):
    """An answer that a model wrote, if one did, and what all of them did."""

    written: Written | None
    models: Models | None


@dataclass(frozen=True, slots=True)
class DraftAnswer:
    """The chain of models; whatever they do, it ends within `seconds`."""

    models: Sequence[LanguageModel]
    template: Template
    embedder: Embedder
    seconds: float

    async def improved(self, plan: Plan, heard: Heard) -> Drafted | None:
        """What models make of a planned answer from knowledge; None without any, or for another plan."""
        if plan.written is None or plan.why.outcome is not Outcome.ANSWERED or not self.models:
            return None
        rules, signals = plan.why.rules, plan.why.facts.get("signals")
        need = Need(
            plan.response_type is ResponseType.TECHNICAL,
            isinstance(signals, tuple) and not SENSITIVE_SIGNALS.isdisjoint(signals),
            rules.directive.model if rules else None,
        )
        metadata = heard.conversation.metadata
        known = {str(metadata[name]): kind for name, kind in PERSONAL if metadata.get(name)}
        return await self(Task(heard.question, plan.language, plan.written, need, known))

    async def __call__(self, task: Task) -> Drafted:
        """Never raises for what models do; a failure is an attempt."""
        disguise = Disguise(task.known)
        hits = [_disguised(hit, disguise) for hit in task.first.hits]
        question = disguise.hide(task.question)
        sensitive = task.need.sensitive or not SENSITIVE_DATA.isdisjoint(disguise.hidden)
        by_name = {model.link.name: model for model in self.models}
        links = chain(replace(task.need, sensitive=sensitive), [model.link for model in self.models])
        attempts: list[Attempt] = []
        end = perf_counter() + self.seconds * SHARE
        for place, link in enumerate(links):
            left = end - perf_counter()
            if left <= 0:
                break
            inside = link.route == LOCAL
            asked = (task.question, task.first.hits) if inside else (question, hits)
            draft, attempt = await self._tried(
                by_name[link.name], asked, task.language, left / (len(links) - place)
            )
            if draft is not None:
                draft = draft if inside else _restored(draft, disguise)
                written, outcome = await self._judged(draft, task.first, link.name)
                attempts.append(replace(attempt, outcome=outcome))
                if written is not None:
                    return Drafted(written, self._record(attempts, disguise))
                continue
            attempts.append(attempt)
        return Drafted(None, self._record(attempts, disguise) if attempts else None)

    async def _tried(
        self,
        model: LanguageModel,
        asked: tuple[str, Sequence[Hit]],
        language: str,
        seconds: float,
    ) -> tuple[Draft | None, Attempt]:
        question, hits = asked
        name, began = model.link.name, perf_counter()

        def attempt(outcome: str, error: object = None) -> Attempt:
            ms = round(1_000 * (perf_counter() - began), 1)
            return Attempt(name, outcome, ms, error=None if error is None else str(error)[:200])

        try:
            request = prompt(self.template, question, language, hits, model.link.context, model.count)
            async with asyncio.timeout(seconds):
                writing = await model.write(request)
            draft = read_draft(writing.text, hits)
        except TimeoutError:
            return None, attempt("late", f"no answer within {seconds:.1f} s")
        except Busy as error:
            return None, attempt("open", error)
        except Refused as error:
            return None, attempt("refused", error)
        except WorldError as error:
            return None, attempt("failed", error)
        except DataFileError as error:
            return None, attempt("malformed", error)
        done = replace(
            attempt("written"),
            first_token_ms=writing.first_token_ms,
            prompt_tokens=writing.prompt_tokens,
            completion_tokens=writing.completion_tokens,
        )
        return draft, done

    async def _judged(self, draft: Draft, first: Written, name: str) -> tuple[Written | None, str]:
        """The draft with what passages hold, unless too little is."""
        found = [hit.passage for hit in first.hits]
        passages = {passage.id: passage for passage in found}
        draft = replace(
            draft,
            citations=tuple(
                replace(one, text=passages[one.passage_id].body) if one.passage_id in passages else one
                for one in draft.citations
            ),
        )
        near = await self._near(draft, passages)
        judged, support = await asyncio.to_thread(judge, draft, found, near)
        if not judged.paragraphs or support < LEAST_SUPPORT:
            return None, "unsupported"
        sure = replace(first.confidence, value=round(first.confidence.value * support, 3), support=support)
        return Written(judged, sure, first.hits, first.several, name), "written"

    async def _near(self, draft: Draft, passages: Mapping[str, Passage]) -> Near:
        """How near statements in other words are to the sentences of the passages that they cite."""
        cited = {
            one.number: passages[one.passage_id] for one in draft.citations if one.passage_id in passages
        }
        loose = [
            (statement.text, cited[statement.citation])
            for paragraph in draft.paragraphs
            for statement in paragraph
            if statement.citation in cited and not supports(cited[statement.citation], statement.text)
        ]
        if not loose:
            return lambda _text, _passage: (0.0, "")
        sentences = {passage.id: _sentences(passage) for _, passage in loose}
        texts = list(
            dict.fromkeys([text for text, _ in loose] + [s for found in sentences.values() for s in found])
        )
        vectors = dict(zip(texts, await self.embedder.embed_all(texts), strict=True))
        return _nearest(sentences, vectors)

    def _record(self, attempts: Sequence[Attempt], disguise: Disguise) -> Models:
        return Models(self.template.version, tuple(attempts), disguise.hidden)


def _nearest(sentences: Mapping[str, Sequence[str]], vectors: Mapping[str, NDArray[np.float32]]) -> Near:
    def near(text: str, passage: Passage) -> tuple[float, str]:
        vector, found = vectors.get(text), sentences.get(passage.id, ())
        if vector is None or not found:
            return 0.0, ""
        return max((float(vector @ vectors[one]), one) for one in found)

    return near


def _sentences(passage: Passage) -> list[str]:
    return [one for block in blocks(passage.body) for one in statements(block)]


def _disguised(hit: Hit, disguise: Disguise) -> Hit:
    """The hit with personal data in its passage disguised; titles are the tenant's own words too."""
    passage = hit.passage
    hide: Callable[[str], str] = disguise.hide
    hidden = replace(
        passage, title=hide(passage.title), heading=hide(passage.heading), body=hide(passage.body)
    )
    return replace(hit, passage=hidden)


def _restored(draft: Draft, disguise: Disguise) -> Draft:
    return replace(
        draft,
        paragraphs=tuple(
            tuple(replace(one, text=disguise.restore(one.text)) for one in paragraph)
            for paragraph in draft.paragraphs
        ),
    )
