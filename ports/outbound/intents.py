"""Tenants' own intents, the models trained with them, and the one that understands a tenant's messages."""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from domain.ids import ContentHash, OrganizationId
from domain.nlu.own import OwnIntent
from domain.nlu.own_names import Vocabulary
from domain.nlu.understanding import Models


class TrainingState(StrEnum):
    """`refused`: the new model was worse, so that the one before stays."""

    WAITING = "waiting"
    RUNNING = "running"
    LIVE = "live"
    REFUSED = "refused"
    FAILED = "failed"


class Training(Struct, frozen=True):
    """One training, with its before and after once it is over."""

    id: UUID
    actor: str
    created_at: datetime
    state: TrainingState = TrainingState.WAITING
    report: object = None
    error: str | None = None


class OwnIntents(Protocol):
    """The intents of one tenant, inside a unit of work."""

    @abstractmethod
    async def all(self) -> Sequence[OwnIntent]:
        """By name."""

    @abstractmethod
    async def put(self, intent: OwnIntent, at: datetime) -> None:
        """Add or replace."""

    @abstractmethod
    async def remove(self, name: str) -> bool:
        """Whether there was one."""


class Trainings(Protocol):
    """The trainings of one tenant, inside a unit of work."""

    @abstractmethod
    async def add(self, training: Training) -> None:
        """Ask for one; a worker picks it up."""

    @abstractmethod
    async def get(self, training: UUID) -> Training:
        """One training. Raises `NotFoundError`."""

    @abstractmethod
    async def advance(self, training: Training) -> bool:
        """Store state, report and error of one that is waiting or running; False if it is neither."""


class IntentModels(Protocol):
    """The trained models of one tenant, inside a unit of work."""

    @abstractmethod
    async def active(self) -> ContentHash | None:
        """The one in use; None is the taxonomy's own."""

    @abstractmethod
    async def get(self, model: ContentHash) -> bytes:
        """A stored model. Raises `NotFoundError`."""

    @abstractmethod
    async def put(self, model: ContentHash, data: bytes, at: datetime) -> None:
        """Store a model; storing it again changes nothing."""

    @abstractmethod
    async def activate(self, model: ContentHash | None) -> None:
        """Understand the tenant's messages with it from the next turn on."""


class Vocabularies(Protocol):
    """The names of one tenant's objects and fields, inside a unit of work."""

    @abstractmethod
    async def get(self) -> Vocabulary:
        """All of them; empty for a tenant that gave none."""

    @abstractmethod
    async def put(self, vocabulary: Vocabulary, content: ContentHash, at: datetime) -> None:
        """Replace them; messages are understood with them from the next turn on."""


class ActiveModels(Protocol):
    """What understands a tenant's messages, ready for a turn."""

    @abstractmethod
    async def at(
        self,
        organization: OrganizationId,
        model: ContentHash | None,
        vocabulary: ContentHash | None = None,
    ) -> Models:
        """With a stored model and the tenant's names; None: what everybody has. Raises `Unavailable`."""
