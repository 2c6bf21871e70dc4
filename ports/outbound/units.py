"""Units of work: short transactions of one tenant, never open across a network call of another kind."""

from abc import abstractmethod
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from domain.ids import OrganizationId, UserId
from ports.outbound.audit import Audit
from ports.outbound.conversations import Conversations, Transcripts
from ports.outbound.intents import IntentModels, OwnIntents, Trainings, Vocabularies
from ports.outbound.knowledge import Knowledge, Shelf
from ports.outbound.proposals import Proposals, Reviews
from ports.outbound.rulesets import Drafts, RuleSets, Versions
from ports.outbound.trials import Rehearsals, TenantSettings, Trials, TrialTurns


class Members(Protocol):
    """The people of one tenant."""

    @abstractmethod
    async def welcome(self, user: UserId) -> None:
        """Make sure the user exists; an unknown one is added without personal data."""


class Unit(Protocol):
    """One transaction. What was not committed when it ends is rolled back."""

    conversations: Conversations
    transcripts: Transcripts
    knowledge: Knowledge
    shelf: Shelf
    proposals: Proposals
    reviews: Reviews
    own_intents: OwnIntents
    trainings: Trainings
    intent_models: IntentModels
    vocabularies: Vocabularies
    rulesets: RuleSets
    versions: Versions
    drafts: Drafts
    trials: Trials
    trial_turns: TrialTurns
    rehearsals: Rehearsals
    settings: TenantSettings
    audit: Audit
    members: Members

    @abstractmethod
    async def commit(self) -> None:
        """Make everything durable. Raises `Conflict` when a constraint says that somebody was faster."""


class Begin(Protocol):
    """Opens units of work."""

    @abstractmethod
    def __call__(self, organization: OrganizationId) -> AbstractAsyncContextManager[Unit]:
        """Open a unit that can see and touch this tenant only.

        Raises `Unavailable` when the database is down.
        """
