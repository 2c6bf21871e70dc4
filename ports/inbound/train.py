"""Training the model that tells intents, with a tenant's own ones; nothing worse goes live."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from domain.errors import NotFoundError
from domain.ids import ContentHash, OrganizationId
from domain.nlu.evaluation import Evaluation, evaluate
from domain.nlu.intents import Guesser, Intent, IntentModel
from domain.nlu.own import OwnIntent, checked_intent, merged
from domain.nlu.own_names import Vocabulary, gazetted
from domain.nlu.stored import packed_model
from ports.inbound.approval import Who
from ports.outbound.audit import Entry
from ports.outbound.clock import Clock, Ids
from ports.outbound.embedding import Embedder
from ports.outbound.intents import ActiveModels, Training, TrainingState
from ports.outbound.units import Begin

Progress = Callable[[int], None]
GoingOn = Callable[[int], Awaitable[bool]]
Labelled = tuple[str, str | None]
"""A message with its intent; None is out of scope."""
METHOD = "meaning and wording, 2"
"""Changes with the method of training, so that older models are not taken for ones of this method."""
TOLERATED = 1.0
"""Percentage points that a new model may lose on everybody's tests; on the tenant's own none."""
SLICE = 250
"""Messages embedded between two signs of life."""


class Examples(Struct, frozen=True):
    """Messages by intent, and messages that are none of them."""

    intents: Mapping[str, Sequence[str]]
    outliers: Sequence[str]


class Taxonomy(Struct, frozen=True):
    """What everybody's model is made of, and the messages that it is tested on."""

    intents: tuple[Intent, ...]
    outliers: tuple[str, ...]
    tests: tuple[Labelled, ...]


class Compared(Struct, frozen=True):
    """A test set under the model in use and under the new one."""

    messages: int
    before: Evaluation
    after: Evaluation


class TrainingReport(Struct, frozen=True):
    """What a training came to. `own` is the tenant's own test set, if there is one."""

    model: ContentHash
    intents: int
    utterances: int
    everybody: Compared
    own: Compared | None
    better: bool
    reason: str


class _Stopped(Exception):  # noqa: N818  # it is no error
    """The job was lost to another worker."""


@dataclass(frozen=True, slots=True)
class TrainIntents:
    """A tenant's own intents, and trainings with them."""

    begin: Begin
    models: ActiveModels
    embedder: Embedder
    clock: Clock
    ids: Ids
    taxonomy: Taxonomy

    async def own(self, organization: OrganizationId) -> Sequence[OwnIntent]:
        """The tenant's own intents, by name."""
        async with self.begin(organization) as unit:
            return await unit.own_intents.all()

    async def put(self, who: Who, intent: OwnIntent) -> OwnIntent:
        """Store an intent; it is understood after the next training. Raises `DataFileError`."""
        known = {one.name: one for one in self.taxonomy.intents}
        async with self.begin(who.organization) as unit:
            checked_intent(intent, known, await unit.own_intents.all())
            await unit.own_intents.put(intent, self.clock.now())
            await unit.audit.note(Entry(self.clock.now(), who.actor, "intents.put", intent.name))
            await unit.commit()
        return intent

    async def remove(self, who: Who, name: str) -> None:
        """Forget an intent; it is not understood any more after the next training. Raises `NotFoundError`."""
        async with self.begin(who.organization) as unit:
            if not await unit.own_intents.remove(name):
                raise NotFoundError("intent")
            await unit.audit.note(Entry(self.clock.now(), who.actor, "intents.remove", name))
            await unit.commit()

    async def vocabulary(self, organization: OrganizationId) -> Vocabulary:
        """The tenant's own names."""
        async with self.begin(organization) as unit:
            return await unit.vocabularies.get()

    async def name(self, who: Who, vocabulary: Vocabulary) -> int:
        """Replace the tenant's own names; how many forms they have. Raises `DataFileError` for too many."""
        forms = len(gazetted(vocabulary))
        content = ContentHash(hashlib.sha256(msgspec.json.encode(vocabulary)).hexdigest())
        async with self.begin(who.organization) as unit:
            await unit.vocabularies.put(vocabulary, content, self.clock.now())
            details = {"forms": forms}
            await unit.audit.note(Entry(self.clock.now(), who.actor, "vocabulary.put", content, details))
            await unit.commit()
        return forms

    async def ask(self, who: Who, state: TrainingState = TrainingState.WAITING) -> Training:
        """Have a worker train, unless the caller does."""
        training = Training(self.ids.fresh(), who.actor, self.clock.now(), state)
        async with self.begin(who.organization) as unit:
            await unit.trainings.add(training)
            await unit.commit()
        return training

    async def get(self, organization: OrganizationId, training: UUID) -> Training:
        """A training with its report. Raises `NotFoundError`."""
        async with self.begin(organization) as unit:
            return await unit.trainings.get(training)

    async def back(self, who: Who) -> None:
        """Understand messages with everybody's model again; the tenant's intents are kept."""
        async with self.begin(who.organization) as unit:
            await unit.intent_models.activate(None)
            await unit.audit.note(Entry(self.clock.now(), who.actor, "intents.back", "everybody's"))
            await unit.commit()

    async def run(self, organization: OrganizationId, training: UUID, extend: GoingOn) -> None:
        """Train, compare, and go live if nothing is worse; stops where `extend` says so."""
        async with self.begin(organization) as unit:
            asked = await unit.trainings.get(training)
            going_on = await unit.trainings.advance(replace(asked, state=TrainingState.RUNNING))
            own, active = await unit.own_intents.all(), await unit.intent_models.active()
            await unit.commit()
        if not going_on:
            return
        try:
            report, data = await self._trained(organization, own, active, extend)
        except _Stopped:
            return
        state = TrainingState.LIVE if report.better else TrainingState.REFUSED
        async with self.begin(organization) as unit:
            if await unit.trainings.advance(replace(asked, state=state, report=report)) and report.better:
                await unit.intent_models.put(report.model, data, self.clock.now())
                await unit.intent_models.activate(report.model)
                details = {"model": report.model}
                await unit.audit.note(Entry(self.clock.now(), asked.actor, "intents.train", "live", details))
            await unit.commit()

    async def give_up(self, organization: OrganizationId, training: UUID, why: str) -> None:
        """Mark a training as failed; one that is over stays as it is."""
        async with self.begin(organization) as unit:
            found = await unit.trainings.get(training)
            await unit.trainings.advance(replace(found, state=TrainingState.FAILED, error=why))
            await unit.commit()

    async def _trained(
        self,
        organization: OrganizationId,
        own: Sequence[OwnIntent],
        active: ContentHash | None,
        extend: GoingOn,
    ) -> tuple[TrainingReport, bytes]:
        taxonomy = merged(self.taxonomy.intents, own)
        examples = Examples({one.name: one.utterances for one in taxonomy}, self.taxonomy.outliers)
        model = await train_on(examples, self.embedder, extend)
        guesser = Guesser(model)
        before = (await self.models.at(organization, active)).head
        everybody = await self._compared(self.taxonomy.tests, before, guesser)
        tests = [(text, one.name) for one in own for text in one.tests]
        theirs = await self._compared(tests, before, guesser) if tests else None
        reason = _worse(everybody, theirs)
        data = await asyncio.to_thread(packed_model, model, everybody.after)
        found = ContentHash(hashlib.sha256(data).hexdigest())
        utterances = sum(len(one.utterances) for one in taxonomy)
        report = TrainingReport(
            found, len(taxonomy), utterances, everybody, theirs, not reason, reason or "as good or better"
        )
        return report, data

    async def _compared(self, tests: Sequence[Labelled], before: Guesser, after: Guesser) -> Compared:
        vectors = await self.embedder.embed_all([text for text, _ in tests])

        def measured(model: Guesser) -> Evaluation:
            guesses = [model.guess(text, vector) for (text, _), vector in zip(tests, vectors, strict=True)]
            return evaluate(guesses, [label for _, label in tests])

        return Compared(
            len(tests), await asyncio.to_thread(measured, before), await asyncio.to_thread(measured, after)
        )


def digest(model: str, examples: Examples) -> str:
    """The name of what the named embedding model and these examples make."""
    return hashlib.sha256(msgspec.json.encode((model, METHOD, examples))).hexdigest()[:16]


async def train_on(examples: Examples, embedder: Embedder, going_on: GoingOn) -> IntentModel:
    """Embed and train, in threads; `going_on` hears how many messages were embedded, False stops it."""
    from domain.nlu.training import Corpus, train  # noqa: PLC0415  # scikit-learn takes 2 s only training needs

    names = tuple(examples.intents)
    texts = [text for name in names for text in examples.intents[name]]
    labels = np.repeat(np.arange(len(names)), [len(examples.intents[name]) for name in names])
    everything = [*texts, *examples.outliers]
    parts = []
    for start in range(0, len(everything), SLICE):
        parts.append(await embedder.embed_all(everything[start : start + SLICE]))
        if not await going_on(min(len(everything), start + SLICE)):
            raise _Stopped
    vectors = np.concatenate(parts)
    corpus = Corpus(names, texts, vectors[: len(texts)], labels, vectors[len(texts) :])
    working = asyncio.create_task(asyncio.to_thread(train, corpus))
    while not (await asyncio.wait({working}, timeout=10))[0]:
        if not await going_on(len(everything)):
            raise _Stopped
    return working.result()


def _worse(everybody: Compared, own: Compared | None) -> str:
    """Why a new model must not go live; empty if it may."""
    if own is not None and own.after.accuracy < own.before.accuracy:
        return (
            f"On your own tests {own.after.accuracy:.1f}% are right, {own.before.accuracy:.1f}% before."
            " Add utterances like the tests that fail."
        )
    if everybody.after.accuracy < everybody.before.accuracy - TOLERATED:
        return (
            f"On everybody's tests {everybody.after.accuracy:.1f}% are right,"
            f" {everybody.before.accuracy:.1f}% before: an own intent takes messages of others."
        )
    return ""
