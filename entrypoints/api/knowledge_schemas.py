"""What travels over HTTP about knowledge."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from domain.retrieval import passages
from domain.retrieval.scope import EVERYONE
from domain.versions import EVERY
from ports.outbound.knowledge import Kept
from ports.outbound.proposals import Proposal as Offered
from ports.outbound.proposals import ProposalKind, ProposalState

Label = Annotated[str, Meta(min_length=1, max_length=100)]
Short = Annotated[str, Meta(max_length=200)]
Some = Annotated[list[Short], Meta(max_length=50)]
Body = Annotated[str, Meta(min_length=1, max_length=200_000)]
Title = Annotated[str, Meta(min_length=1, max_length=500)]


class EditedArticle(Struct, frozen=True, forbid_unknown_fields=True):
    """An article to store. `replaces` is the `content` of the one that was read; none for a new article.

    `asked` is how customers put it: it helps to find the article, and is never said.
    """

    title: Title
    body: Body
    category: Label = "general"
    product: Label = "Platform"
    api_versions: Short = EVERY
    error_codes: Some = []
    sources: Some = []
    version: Short = ""
    language: Short = "en"
    audience: Short = EVERYONE
    groups: Some = []
    valid_from: date | None = None
    valid_until: date | None = None
    asked: Some = []
    replaces: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")] | None = None


class StandingArticle(Struct, frozen=True):
    """An article without its text. `trust` in 0..1 rests on what became of its answers in 30 days."""

    id: str
    title: str
    category: str
    product: str
    api_versions: str
    error_codes: tuple[str, ...]
    sources: tuple[str, ...]
    version: str
    language: str
    audience: str
    groups: tuple[str, ...]
    valid_from: date | None
    valid_until: date | None
    flags: tuple[str, ...]
    asked: tuple[str, ...]
    content: str
    updated_at: datetime
    trust: float
    used: int
    helped: int
    failed: int


class StoredArticle(StandingArticle, frozen=True):
    """An article with its text."""

    body: str = ""


class Articles(Struct, frozen=True):
    """One page; `next` is the id to go on after."""

    items: list[StandingArticle]
    next: str | None


class Search(Struct, frozen=True, forbid_unknown_fields=True):
    """A question, and whom to search as."""

    question: Annotated[str, Meta(min_length=1, max_length=4_000)]
    count: Annotated[int, Meta(ge=1, le=50)] = 5
    groups: Some = []
    staff: bool = False
    api_version: Annotated[int, Meta(ge=1, le=200)] | None = None
    product: Short | None = None
    language: Short | None = None
    day: date | None = None


class Hit(Struct, frozen=True):
    """A passage found. `score` in 0..1 orders this result; `cosine` and `coverage` are absolute."""

    passage_id: str
    article_id: str
    title: str
    heading: str
    text: str
    product: str
    api_versions: str
    language: str
    score: float
    bm25: float
    cosine: float
    coverage: float


class Proposal(Struct, frozen=True):
    """What people should look at. `detail` says where it comes from."""

    id: UUID
    kind: ProposalKind
    status: ProposalState
    title: str
    body: str
    detail: dict[str, object]
    created_at: datetime
    decided_by: str | None
    decided_at: datetime | None


class Accept(Struct, frozen=True, forbid_unknown_fields=True):
    """Other words for an article to learn."""

    title: Title | None = None
    body: Body | None = None


class Asked(Struct, frozen=True):
    """A job was asked for."""

    status: str = "queued"


def standing(kept: Kept) -> StandingArticle:
    """An article without its text."""
    return msgspec.convert(_fields(kept), StandingArticle)


def stored(kept: Kept) -> StoredArticle:
    """An article with its text."""
    return msgspec.convert(_fields(kept) | {"body": kept.article.body}, StoredArticle)


def hit(found: passages.Hit) -> Hit:
    """A passage found."""
    p = found.passage
    return Hit(
        p.id,
        p.article,
        p.title,
        p.heading,
        p.body,
        p.product,
        p.api_versions,
        p.reach.language,
        found.score,
        found.bm25,
        found.cosine,
        found.coverage,
    )


def proposed(one: Offered) -> Proposal:
    """A proposal."""
    return Proposal(
        one.id,
        one.kind,
        one.state,
        one.title,
        one.body,
        dict(one.detail),
        one.created_at,
        one.decided_by,
        one.decided_at,
    )


def _fields(kept: Kept) -> dict[str, object]:
    article = msgspec.structs.asdict(kept.article)
    reach = msgspec.structs.asdict(article.pop("reach"))
    article.pop("body")
    return {
        **article,
        **reach,
        "content": kept.content,
        "updated_at": kept.updated_at,
        "trust": kept.trust,
        "used": kept.used,
        "helped": kept.helped,
        "failed": kept.failed,
    }
