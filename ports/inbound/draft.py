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
from domain.prompt import Template, prompt, read_draft, read_so_far
from domain.redaction import Disguise
from domain.retrieval.chunking import blocks
from domain.retrieval.contradiction import corrected
from domain.retrieval.passages import Hit, Passage
from domain.routing import LOCAL, SENSITIVE_DATA, SENSITIVE_SIGNALS, Need, chain
from ports.errors import Refused, WorldError
from ports.inbound.listening import NOBODY, Listener
from ports.outbound.embedding import Embedder
from ports.outbound.language import Busy, LanguageModel, Writing

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


class _LeftError(Exception):
    """The customer left."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one model is asked, disguised for those outside."""

    question: str
    language: str
    hits: tuple[Hit, ...]
    disguise: Disguise | None = None

    def read(self, text: str) -> Draft:
        """The draft as we may say it. Raises `DataFileError`."""
        return self._restored(read_draft(text, self.hits))

    def read_so_far(self, text: str) -> Draft | None:
        """The whole statements of a draft that is still being written."""
        draft = read_so_far(text, self.hits)
        return None if draft is None else self._restored(draft)

    def _restored(self, draft: Draft) -> Draft:
        if self.disguise is None:
            return draft
        restore = self.disguise.restore
        said = tuple(tuple(replace(one, text=restore(one.text)) for one in each) for each in draft.paragraphs)
        return replace(draft, paragraphs=said)


@dataclass(frozen=True, slots=True)
class DraftAnswer:
    """The chain of models; whatever they do, it ends within `seconds`."""

    models: Sequence[LanguageModel]
    template: Template
    embedder: Embedder
    seconds: float

    async def improved(self, plan: Plan, heard: Heard, listener: Listener = NOBODY) -> Drafted | None:
        """What models make of a planned answer from knowledge; None without any, or for another plan.

        A listener that reads is shown the planned answer, and what is written in its place.
        """
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
        if listener.reads:
            listener.drafted(plan)
        return await self(Task(heard.question, plan.language, plan.written, need, known), listener)

    async def __call__(self, task: Task, listener: Listener = NOBODY) -> Drafted:
        """Never raises for what models do; a failure is an attempt. Ends when the listener leaves."""
        disguise = Disguise(task.known)
        hits = tuple(_disguised(hit, disguise) for hit in task.first.hits)
        outside = _Asked(disguise.hide(task.question), task.language, hits, disguise)
        inside = _Asked(task.question, task.language, task.first.hits)
        sensitive = task.need.sensitive or not SENSITIVE_DATA.isdisjoint(disguise.hidden)
        by_name = {model.link.name: model for model in self.models}
        links = chain(replace(task.need, sensitive=sensitive), [model.link for model in self.models])
        attempts: list[Attempt] = []
        end = perf_counter() + self.seconds * SHARE
        for place, link in enumerate(links):
            left = end - perf_counter()
            if left <= 0 or listener.left.is_set():
                break
            asked = inside if link.route == LOCAL else outside
            seconds = left / (len(links) - place)
            draft, attempt = await self._tried(by_name[link.name], asked, task.first, seconds, listener)
            if draft is None:
                attempts.append(attempt)
                continue
            written, outcome = await self._judged(draft, task.first, link.name, listener)
            attempts.append(replace(attempt, outcome=outcome))
            if written is not None:
                return Drafted(written, self._record(attempts, disguise))
        return Drafted(None, self._record(attempts, disguise) if attempts else None)

    async def _tried(
        self, model: LanguageModel, asked: _Asked, first: Written, seconds: float, listener: Listener
    ) -> tuple[Draft | None, Attempt]:
        name, began = model.link.name, perf_counter()

        def attempt(outcome: str, error: object = None) -> Attempt:
            ms = round(1_000 * (perf_counter() - began), 1)
            return Attempt(name, outcome, ms, error=None if error is None else str(error)[:200])

        try:
            async with asyncio.timeout(seconds):
                writing = await self._writing(model, asked, first, listener)
            draft = asked.read(writing.text)
        except TimeoutError:
            return None, attempt("late", f"no answer within {seconds:.1f} s")
        except _LeftError:
            return None, attempt("left", "the customer left")
        except (WorldError, DataFileError) as error:
            kinds = ((Busy, "open"), (Refused, "refused"), (DataFileError, "malformed"))
            return None, attempt(
                next((name for kind, name in kinds if isinstance(error, kind)), "failed"), error
            )
        done = replace(
            attempt("written"),
            first_token_ms=writing.first_token_ms,
            prompt_tokens=writing.prompt_tokens,
            completion_tokens=writing.completion_tokens,
        )
        return draft, done

    async def _writing(
        self, model: LanguageModel, asked: _Asked, first: Written, listener: Listener
    ) -> Writing:
        """What the model writes, told to the listener as far as it is proved. Cancels it when they leave."""
        request = prompt(
            self.template, asked.question, asked.language, asked.hits, model.link.context, model.count
        )
        so_far: asyncio.Queue[str] = asyncio.Queue()
        tasks: list[asyncio.Task[object]] = [asyncio.create_task(listener.left.wait())]
        if listener.reads:
            tasks.append(asyncio.create_task(self._tell(so_far, asked, first, listener)))
        writing = asyncio.create_task(model.write(request, so_far.put_nowait))
        try:
            await asyncio.wait({writing, tasks[0]}, return_when=asyncio.FIRST_COMPLETED)
            if not writing.done():
                raise _LeftError
            return await writing
        finally:
            for task in (*tasks, writing):
                task.cancel()
            await asyncio.gather(*tasks, writing, return_exceptions=True)

    async def _tell(
        self, so_far: asyncio.Queue[str], asked: _Asked, first: Written, listener: Listener
    ) -> None:
        """Tell a listener the statements that are proved, while more are being written."""
        told = ""
        while True:
            draft = asked.read_so_far(await so_far.get())
            if draft is None or not so_far.empty():
                continue
            proved, _ = await self._proved(draft, first)
            if proved.text != told and proved.text.startswith(told):
                told = proved.text
                listener.wrote(told)

    async def _judged(
        self, draft: Draft, first: Written, name: str, listener: Listener
    ) -> tuple[Written | None, str]:
        """The draft with what passages hold, unless too little is."""
        proved, support = await self._proved(draft, first)
        if not proved.paragraphs or support < LEAST_SUPPORT:
            return None, "unsupported"
        sure = replace(first.confidence, value=round(first.confidence.value * support, 3), support=support)
        shown = corrected(first.draft.statements, proved.statements) if listener.reads else ()
        return Written(proved, sure, first.hits, first.several, name, shown), "written"

    async def _proved(self, draft: Draft, first: Written) -> tuple[Draft, float]:
        """The statements that their passages hold, with the passages' true texts, and the share they are."""
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
        return await asyncio.to_thread(judge, draft, found, near)

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
