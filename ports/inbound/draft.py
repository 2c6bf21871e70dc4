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
from domain.dialogue import Exchange
from domain.errors import DataFileError
from domain.facts import Heard
from domain.grounding import Near, supports
from domain.plan import Attempt, Models, Outcome, Plan, ResponseType, Written
from domain.prompt import Asked, Prompt, Template, prompt, read_draft, read_so_far
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

    `known` are strings about the customer that are personal for sure, with their kinds. `before` and
    `earlier` are the talk so far.
    """

    question: str
    language: str
    first: Written
    need: Need
    known: Mapping[str, str] = {}
    before: tuple[Exchange, ...] = ()
    earlier: tuple[str, ...] = ()


class Drafted(Struct, frozen=True):
    """An answer that a model wrote, if one did, and what all of them did."""

    written: Written | None
    models: Models | None


class _LeftError(Exception):
    """The customer left."""


@dataclass(frozen=True, slots=True)
class _Given:
    """What one model is given, disguised for those outside."""

    asked: Asked
    disguise: Disguise | None = None

    def read(self, text: str) -> Draft:
        """The draft as we may say it. Raises `DataFileError`."""
        return self._restored(read_draft(text, self.asked.hits))

    def read_so_far(self, text: str) -> Draft | None:
        """The whole statements of a draft that is still being written."""
        draft = read_so_far(text, self.asked.hits)
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
    people: frozenset[str] = frozenset()

    async def improved(
        self, plan: Plan, heard: Heard, spent: float = 0.0, listener: Listener = NOBODY
    ) -> Drafted | None:
        """What models make of a planned answer from knowledge; None without any, or for another plan.

        `spent` is what models cost the tenant today, in US dollars, where that is limited.
        A listener that reads is shown the planned answer, and what is written in its place.
        """
        if plan.written is None or plan.why.outcome is not Outcome.ANSWERED or not self.models:
            return None
        rules, signals = plan.why.rules, plan.why.facts.get("signals")
        need = Need(
            plan.response_type is ResponseType.TECHNICAL,
            isinstance(signals, tuple) and not SENSITIVE_SIGNALS.isdisjoint(signals),
            rules.directive.model if rules else None,
            heard.policy.models,
            heard.policy.daily_cost is not None and spent >= heard.policy.daily_cost,
        )
        metadata = heard.conversation.metadata
        known = {str(metadata[name]): kind for name, kind in PERSONAL if metadata.get(name)}
        if listener.reads:
            listener.drafted(plan)
        context = heard.conversation.context
        talk = context.exchanges, context.earlier
        return await self(Task(heard.question, plan.language, plan.written, need, known, *talk), listener)

    async def __call__(self, task: Task, listener: Listener = NOBODY) -> Drafted:
        """Never raises for what models do; a failure is an attempt. Ends when the listener leaves."""
        disguise = Disguise(task.known, self.people)
        hits = tuple(_disguised(hit, disguise) for hit in task.first.hits)
        hide, before = disguise.hide, task.before
        hidden = tuple(replace(one, question=hide(one.question)) for one in before)
        outside = _Given(Asked(hide(task.question), task.language, hits, hidden, task.earlier), disguise)
        inside = _Given(Asked(task.question, task.language, task.first.hits, before, task.earlier))
        sensitive = task.need.sensitive or not SENSITIVE_DATA.isdisjoint(disguise.hidden)
        by_name = {model.link.name: model for model in self.models}
        links = chain(replace(task.need, sensitive=sensitive), [model.link for model in self.models])
        attempts: list[Attempt] = []
        end = perf_counter() + self.seconds * SHARE
        for place, link in enumerate(links):
            left = end - perf_counter()
            if left <= 0 or listener.left.is_set():
                break
            given = inside if link.route == LOCAL else outside
            seconds = left / (len(links) - place)
            draft, attempt = await self._tried(by_name[link.name], given, task.first, seconds, listener)
            if draft is None:
                attempts.append(attempt)
                continue
            written, outcome = await self._judged(draft, task.first, link.name, listener)
            attempts.append(replace(attempt, outcome=outcome))
            if written is not None:
                return Drafted(written, self._record(attempts, disguise))
        return Drafted(None, self._record(attempts, disguise) if attempts else None)

    async def _tried(
        self, model: LanguageModel, given: _Given, first: Written, seconds: float, listener: Listener
    ) -> tuple[Draft | None, Attempt]:
        link, began = model.link, perf_counter()
        request: Prompt | None = None

        def attempt(outcome: str, error: object = None, writing: Writing | None = None) -> Attempt:
            sent = 0 if request is None or outcome == "open" else model.count(request.system + request.user)
            told, wrote = (writing.prompt_tokens, writing.completion_tokens) if writing else (0, 0)
            return Attempt(
                link.name,
                outcome,
                round(1_000 * (perf_counter() - began), 1),
                writing.first_token_ms if writing else None,
                told or sent,
                wrote,
                None if error is None else str(error)[:200],
                round(link.cost(told or sent, wrote), 8),
            )

        writing = None
        try:
            request = prompt(self.template, given.asked, link.context, model.count)
            async with asyncio.timeout(seconds):
                writing = await self._writing(model, request, given, first, listener)
            return given.read(writing.text), attempt("written", writing=writing)
        except TimeoutError:
            return None, attempt("late", f"no answer within {seconds:.1f} s")
        except _LeftError:
            return None, attempt("left", "the customer left")
        except (WorldError, DataFileError) as error:
            kinds = ((Busy, "open"), (Refused, "refused"), (DataFileError, "malformed"))
            outcome = next((outcome for kind, outcome in kinds if isinstance(error, kind)), "failed")
            return None, attempt(outcome, error, writing)

    async def _writing(
        self, model: LanguageModel, request: Prompt, given: _Given, first: Written, listener: Listener
    ) -> Writing:
        """What the model writes, told to the listener as far as it is proved. Cancels it when they leave."""
        so_far: asyncio.Queue[str] = asyncio.Queue()
        tasks: list[asyncio.Task[object]] = [asyncio.create_task(listener.left.wait())]
        if listener.reads:
            tasks.append(asyncio.create_task(self._tell(so_far, given, first, listener)))
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
        self, so_far: asyncio.Queue[str], given: _Given, first: Written, listener: Listener
    ) -> None:
        """Tell a listener the statements that are proved, while more are being written."""
        told = ""
        while True:
            draft = given.read_so_far(await so_far.get())
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
