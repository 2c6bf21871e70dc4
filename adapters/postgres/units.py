"""Units of work on PostgreSQL: one transaction, one tenant, told to row-level security when it begins."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.postgres.audit import PostgresAudit
from adapters.postgres.conversations import PostgresConversations, PostgresTranscripts
from adapters.postgres.engine import translated
from adapters.postgres.intents import (
    PostgresIntentModels,
    PostgresOwnIntents,
    PostgresTrainings,
    PostgresVocabularies,
)
from adapters.postgres.knowledge import PostgresKnowledge
from adapters.postgres.proposals import PostgresProposals, PostgresReviews
from adapters.postgres.rulesets import PostgresDrafts, PostgresRuleSets, PostgresVersions
from adapters.postgres.shelf import PostgresShelf
from adapters.postgres.tables import users
from adapters.postgres.trials import PostgresRehearsals, PostgresSettings, PostgresTrials
from domain.ids import OrganizationId, UserId
from ports.outbound.units import Begin, Members, Unit

SET_TENANT = text("SELECT set_config('app.current_org_id', :org, true)")


class PostgresMembers(Members):
    """People of one tenant."""

    def __init__(self, connection: AsyncConnection, organization: OrganizationId) -> None:
        self._connection, self._organization = connection, organization

    async def welcome(self, user: UserId) -> None:
        await self._connection.execute(
            insert(users)
            .values(organization_id=self._organization, id=user, external_id=str(user))
            .on_conflict_do_nothing()
        )


class PostgresUnit(Unit):
    """One open transaction."""

    def __init__(self, connection: AsyncConnection, organization: OrganizationId) -> None:
        self._connection = connection
        self.conversations = PostgresConversations(connection, organization)
        self.transcripts = PostgresTranscripts(connection, organization)
        self.knowledge = PostgresKnowledge(connection, organization)
        self.shelf = PostgresShelf(connection, organization)
        self.proposals = PostgresProposals(connection, organization)
        self.own_intents = PostgresOwnIntents(connection, organization)
        self.trainings = PostgresTrainings(connection, organization)
        self.intent_models = PostgresIntentModels(connection, organization)
        self.vocabularies = PostgresVocabularies(connection, organization)
        self.reviews = PostgresReviews(connection, organization)
        self.rulesets = PostgresRuleSets(connection, organization)
        self.versions = PostgresVersions(connection, organization)
        self.drafts = PostgresDrafts(connection, organization)
        self.trials = self.trial_turns = PostgresTrials(connection, organization)
        self.rehearsals = PostgresRehearsals(connection, organization)
        self.settings = PostgresSettings(connection, organization)
        self.audit = PostgresAudit(connection, organization)
        self.members = PostgresMembers(connection, organization)

    async def commit(self) -> None:
        with translated():
            await self._connection.commit()


class PostgresUnits(Begin):
    """Opens units of work from a pool of the application role."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    def __call__(self, organization: OrganizationId) -> AbstractAsyncContextManager[Unit]:
        return self._begin(organization)

    @asynccontextmanager
    async def _begin(self, organization: OrganizationId) -> AsyncIterator[Unit]:
        with translated():
            async with self._engine.connect() as connection:
                await connection.execute(SET_TENANT, {"org": str(organization)})
                yield PostgresUnit(connection, organization)
