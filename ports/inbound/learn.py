"""Lessons from what happened: articles to propose, questions without answers, articles to doubt."""

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from domain.errors import TransitionError
from domain.ids import ArticleId, OrganizationId
from domain.redaction import redacted
from domain.retrieval.contradiction import contradictions
from domain.retrieval.gaps import Gap, gaps
from domain.retrieval.hybrid import HybridIndex
from domain.retrieval.passages import Article, checked_article
from domain.retrieval.quality import DOUBTFUL, Standing, doubts, trust
from ports.inbound.approval import Who
from ports.inbound.ingest import Ingest, IngestArticles
from ports.outbound.audit import Entry
from ports.outbound.clock import Clock, Ids
from ports.outbound.embedding import Embedder
from ports.outbound.experience import Experience, Solved
from ports.outbound.knowledge import PassageLog
from ports.outbound.proposals import Proposal, ProposalKind, ProposalState
from ports.outbound.units import Begin, Unit

WINDOW = timedelta(days=30)
"""How far back a review looks."""
MAX_QUESTIONS = 5_000
MAX_SOLVED = 500
MAX_COMPARED = 2_000
"""Passages that a review compares with their neighbours, those of the most used articles first."""
NEIGHBOURS = 5
KNOWN = 0.8
"""Cosine to a passage from which a solved question is known already."""
LEAST_ANSWER = 80
"""Characters of people's answers from which something can be learned."""
MAX_TITLE = 120
MAX_GAPS = 1_000
"""Earlier gaps, of each state, that a new one is compared with."""
MAX_MESSAGES = 50
"""Messages of a gap that are remembered, the newest."""


class Reviewed(Struct, frozen=True):
    """What a review found: how many articles were rated, and how many proposals are new."""

    articles: int
    proposals: int


class Decide(Struct, frozen=True):
    """Accept or reject a proposal. An accepted article may be stored in other words."""

    who: Who
    proposal: UUID
    accept: bool
    title: str | None = None
    body: str | None = None


@dataclass(frozen=True, slots=True)
class ReviewKnowledge:
    """Rates articles and offers proposals; decides them."""

    begin: Begin
    ingest: IngestArticles
    experience: Experience
    log: PassageLog
    embedder: Embedder
    clock: Clock
    ids: Ids
    people: frozenset[str] = frozenset()

    async def __call__(self, organization: OrganizationId) -> Reviewed:
        """Look at the last `WINDOW`. Doing it again finds the same. Raises `Unavailable`."""
        now = self.clock.now()
        held = await self.log.since(organization, 0)
        index = await asyncio.to_thread(HybridIndex, held.passages, held.vectors)
        standings = await self.experience.standings(organization, now - WINDOW, now)
        standings = await asyncio.to_thread(_compared, index, standings)
        rated = {article: (trust(standing), standing) for article, standing in standings.items()}
        titles = {passage.article: passage.title for passage in held.passages}
        found = [
            *self._doubts(rated, titles),
            *await self._gaps(organization),
            *await self._learned(organization, index),
        ]
        async with self.begin(organization) as unit:
            await unit.shelf.rate(rated)
            new = await unit.proposals.offer(found, [ProposalKind.DOUBT, ProposalKind.GAP])
            await unit.commit()
        return Reviewed(len(rated), new)

    async def ask(self, who: Who) -> None:
        """Have a worker do it soon."""
        async with self.begin(who.organization) as unit:
            await unit.reviews.ask()
            await unit.commit()

    async def page(
        self, organization: OrganizationId, kind: ProposalKind | None, state: ProposalState, limit: int
    ) -> Sequence[Proposal]:
        """Proposals, the newest first."""
        async with self.begin(organization) as unit:
            return await unit.proposals.page(kind, state, limit)

    async def decide(self, command: Decide) -> Proposal:
        """Close a proposal; an accepted article goes into knowledge.

        Raises `NotFoundError`, `TransitionError` when it is closed already, `DataFileError` for a bad text.
        """
        organization, now = command.who.organization, self.clock.now()
        state = ProposalState.ACCEPTED if command.accept else ProposalState.REJECTED
        async with self.begin(organization) as unit:
            proposal = await unit.proposals.get(command.proposal)
        if proposal.state is not ProposalState.OPEN:
            raise TransitionError("proposal_decided", f"The proposal is {proposal.state} already.")

        async def close(unit: Unit) -> None:
            if not await unit.proposals.decide(proposal.id, state, command.who.actor, now):
                raise TransitionError("proposal_decided", "Somebody else decided the proposal just now.")
            details = {"kind": proposal.kind.value}
            await unit.audit.note(
                Entry(now, command.who.actor, f"knowledge.{state}", str(proposal.id), details)
            )

        if command.accept and proposal.kind is ProposalKind.ARTICLE:
            article = checked_article(_article(proposal, command))
            await self.ingest(Ingest(organization, [article]), also=close)
        else:
            async with self.begin(organization) as unit:
                await close(unit)
                await unit.commit()
        return replace(proposal, state=state, decided_by=command.who.actor, decided_at=now)

    def _doubts(
        self, rated: Mapping[ArticleId, tuple[float, Standing]], titles: Mapping[ArticleId, str]
    ) -> Iterator[Proposal]:
        for article, (score, standing) in rated.items():
            why = doubts(standing)
            if score < DOUBTFUL or standing.contradictions:
                yield self._proposal(
                    ProposalKind.DOUBT,
                    article,
                    titles.get(article, article),
                    "; ".join(why),
                    {"article": article, "trust": score, "used": standing.used, "failed": standing.failed},
                )

    async def _gaps(self, organization: OrganizationId) -> list[Proposal]:
        asked = await self.experience.unanswered(organization, self.clock.now() - WINDOW, MAX_QUESTIONS)
        asked = [one for one in asked if one.text.strip()]
        vectors = await self.embedder.embed_all([one.text for one in asked])
        clusters = await asyncio.to_thread(gaps, asked, vectors)
        known = await self._known_gaps(organization)
        largest: dict[str, Gap] = {}
        for gap in clusters:
            largest.setdefault(next((known[m] for m in gap.messages if m in known), min(gap.messages)), gap)
        return [
            self._proposal(
                ProposalKind.GAP,
                key,
                redacted(gap.title, self.people)[:MAX_TITLE],
                "\n".join(redacted(example, self.people) for example in gap.examples),
                {"volume": gap.volume, "messages": gap.messages[:MAX_MESSAGES]},
            )
            for key, gap in largest.items()
        ]

    async def _known_gaps(self, organization: OrganizationId) -> dict[str, str]:
        """The keys of the gaps that were found before, by the messages in them."""
        async with self.begin(organization) as unit:
            found = [
                proposal
                for state in ProposalState
                for proposal in await unit.proposals.page(ProposalKind.GAP, state, MAX_GAPS)
            ]
        return {
            message: one.key
            for one in found
            for message in msgspec.convert(one.detail["messages"], list[str])
        }

    async def _learned(self, organization: OrganizationId, index: HybridIndex) -> list[Proposal]:
        """Articles from what people answered, unless knowledge says it already."""
        found = []
        for solved in await self.experience.solved(organization, self.clock.now() - WINDOW, MAX_SOLVED):
            title, body = _written(solved, self.people)
            if len(body) < LEAST_ANSWER or not title:
                continue
            vector = await self.embedder.embed(f"{title}\n{body}")
            near = index.by_meaning(vector, 1)
            if near.size and float(index.vectors.cosines(vector, near)[0]) >= KNOWN:
                continue
            source = {"conversation": str(solved.conversation)}
            key = str(solved.conversation)
            found.append(self._proposal(ProposalKind.ARTICLE, key, title, body, source))
        return found

    def _proposal(
        self, kind: ProposalKind, key: str, title: str, body: str, detail: Mapping[str, object]
    ) -> Proposal:
        return Proposal(self.ids.fresh(), kind, key, title, body, detail, self.clock.now())


def _compared(index: HybridIndex, standings: Mapping[ArticleId, Standing]) -> dict[ArticleId, Standing]:
    """The standings with how many other articles say otherwise."""
    order = sorted(
        range(len(index.passages)),
        key=lambda n: -standings.get(index.passages[n].article, Standing()).used,
    )[:MAX_COMPARED]
    against: dict[ArticleId, set[str]] = {}
    rows = index.vectors.rows
    for number in order:
        passage = index.passages[number]
        near = [index.passages[n] for n in index.by_meaning(rows[number], NEIGHBOURS).tolist()]
        for one in contradictions([passage], near):
            against.setdefault(passage.article, set()).add(one.other_passage.partition("#")[0])
    return {
        article: Standing(s.used, s.helped, s.failed, s.age_days, len(against.get(article, ())))
        for article, s in standings.items()
    }


def _written(solved: Solved, people: frozenset[str]) -> tuple[str, str]:
    """A title and a text of what was asked and answered, without personal data."""
    asked = redacted(solved.asked, people).strip()
    title = " ".join(asked.split())[:MAX_TITLE]
    body = "\n\n".join(redacted(text, people).strip() for text in solved.answered if text.strip())
    return title, body


def _article(proposal: Proposal, command: Decide) -> Article:
    digest = hashlib.sha256(proposal.key.encode()).hexdigest()[:12]
    return Article(
        ArticleId(f"LEARNED-{digest}"),
        command.title or proposal.title,
        "learned",
        command.body or proposal.body,
        sources=(f"conversation:{proposal.detail['conversation']}", f"accepted by {command.who.actor}"),
    )
