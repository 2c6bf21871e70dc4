"""Tenants' own intents, trainings and models in PostgreSQL; the models in use are kept in this process."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.postgres.rows import read_row
from adapters.postgres.tables import intent_models, intents, organizations, trainings, vocabularies
from domain.errors import NotFoundError
from domain.ids import ContentHash, OrganizationId
from domain.nlu.entities import EntityFinder
from domain.nlu.intents import Guesser
from domain.nlu.own import OwnIntent, merged
from domain.nlu.own_names import Vocabulary, gazetted
from domain.nlu.stored import unpacked_model
from domain.nlu.understanding import Models
from ports.outbound.intents import (
    ActiveModels,
    IntentModels,
    OwnIntents,
    Training,
    Trainings,
    TrainingState,
    Vocabularies,
)
from ports.outbound.units import Begin

GOING_ON = (TrainingState.WAITING.value, TrainingState.RUNNING.value)
KEPT = 16
"""Tenants' models kept in a process, about 15 MB each; the least recently used leaves first."""


class PostgresOwnIntents(OwnIntents):
    """The intents of one tenant."""

    def __init__(self, connection: AsyncConnection, organization: OrganizationId) -> None:
        self._connection, self._organization = connection, organization

    async def all(self) -> Sequence[OwnIntent]:
        query = select(intents.c.document).where(intents.c.organization_id == self._organization)
        rows = await self._connection.execute(query.order_by(intents.c.name))
        return [msgspec.convert(row[0], OwnIntent) for row in rows]

    async def put(self, intent: OwnIntent, at: datetime) -> None:
        values = {"document": msgspec.to_builtins(intent), "updated_at": at}
        await self._connection.execute(
            insert(intents)
            .values(organization_id=self._organization, name=intent.name, **values)
            .on_conflict_do_update(index_elements=["organization_id", "name"], set_=values)
        )

    async def remove(self, name: str) -> bool:
        done = await self._connection.execute(
            delete(intents).where(intents.c.organization_id == self._organization, intents.c.name == name)
        )
        return done.rowcount == 1


class PostgresTrainings(Trainings):
    """The trainings of one tenant."""

    def __init__(self, connection: AsyncConnection, organization: OrganizationId) -> None:
        self._connection, self._organization = connection, organization

    async def add(self, training: Training) -> None:
        values = msgspec.structs.asdict(training) | {"state": training.state.value}
        await self._connection.execute(insert(trainings).values(organization_id=self._organization, **values))

    async def get(self, training: UUID) -> Training:
        t = trainings.c
        query = select(trainings).where(t.organization_id == self._organization, t.id == training)
        row = (await self._connection.execute(query)).mappings().first()
        if row is None:
            raise NotFoundError("training")
        return read_row(row, Training)

    async def advance(self, training: Training) -> bool:
        t = trainings.c
        done = await self._connection.execute(
            update(trainings)
            .where(t.organization_id == self._organization, t.id == training.id, t.state.in_(GOING_ON))
            .values(
                state=training.state.value,
                report=msgspec.to_builtins(training.report),
                error=training.error,
            )
        )
        return done.rowcount == 1


class PostgresIntentModels(IntentModels):
    """The models of one tenant."""

    def __init__(self, connection: AsyncConnection, organization: OrganizationId) -> None:
        self._connection, self._organization = connection, organization

    async def active(self) -> ContentHash | None:
        query = select(organizations.c.intent_model).where(organizations.c.id == self._organization)
        found = (await self._connection.execute(query)).scalar_one()
        return ContentHash(found) if found else None

    async def get(self, model: ContentHash) -> bytes:
        m = intent_models.c
        query = select(m.data).where(m.organization_id == self._organization, m.hash == model)
        data = (await self._connection.execute(query)).scalar_one_or_none()
        if data is None:
            raise NotFoundError("model")
        return bytes(data)

    async def put(self, model: ContentHash, data: bytes, at: datetime) -> None:
        values = {"organization_id": self._organization, "hash": model, "data": data, "created_at": at}
        await self._connection.execute(insert(intent_models).values(values).on_conflict_do_nothing())

    async def activate(self, model: ContentHash | None) -> None:
        await self._connection.execute(
            update(organizations).where(organizations.c.id == self._organization).values(intent_model=model)
        )


class PostgresVocabularies(Vocabularies):
    """The names of one tenant."""

    def __init__(self, connection: AsyncConnection, organization: OrganizationId) -> None:
        self._connection, self._organization = connection, organization

    async def get(self) -> Vocabulary:
        query = select(vocabularies.c.document).where(vocabularies.c.organization_id == self._organization)
        data = (await self._connection.execute(query)).scalar_one_or_none()
        return Vocabulary() if data is None else msgspec.json.decode(data, type=Vocabulary)

    async def put(self, vocabulary: Vocabulary, content: ContentHash, at: datetime) -> None:
        values = {"document": msgspec.json.encode(vocabulary), "updated_at": at}
        await self._connection.execute(
            insert(vocabularies)
            .values(organization_id=self._organization, **values)
            .on_conflict_do_update(index_elements=["organization_id"], set_=values)
        )
        await self._connection.execute(
            update(organizations).where(organizations.c.id == self._organization).values(vocabulary=content)
        )


class CachedModels(ActiveModels):
    """Models read once; they never change, and the least recently used leave first."""

    def __init__(self, begin: Begin, own: Models) -> None:
        self._begin, self._everybodys = begin, own
        self._kept: OrderedDict[tuple[OrganizationId, str | None, str | None], Models] = OrderedDict()

    async def at(
        self,
        organization: OrganizationId,
        model: ContentHash | None,
        vocabulary: ContentHash | None = None,
    ) -> Models:
        if model is None and vocabulary is None:
            return self._everybodys
        key = (organization, model, vocabulary)
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = await self._made(organization, model)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return found

    async def _made(self, organization: OrganizationId, model: ContentHash | None) -> Models:
        async with self._begin(organization) as unit:
            data = await unit.intent_models.get(model) if model else None
            own = await unit.own_intents.all() if model else []
            names = await unit.vocabularies.get()
        everybody = self._everybodys
        head = Guesser(await asyncio.to_thread(unpacked_model, data)) if data else everybody.head
        finder = EntityFinder(everybody.finder.gazetteer.with_more(gazetted(names)))
        taxonomy = {intent.name: intent for intent in merged(list(everybody.intents.values()), own)}
        return Models(taxonomy, head, finder, everybody.feelings)
