"""One turn: hear the customer's message, think, say the answer. What is heard is answered, once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from domain.confidence import answers
from domain.conversation import TIERS, Conversation, Status
from domain.dialogue import Move, read
from domain.facts import Brain, Heard, scope_of
from domain.ids import ConversationId, MessageId, OrganizationId, UserId
from domain.message import Attachment, Message, Sender, checked_attachments, checked_content
from domain.nlu.parts import MEANT, parts
from domain.nlu.understanding import Models, Understanding, understand
from domain.plan import Plan
from domain.receipt import Receipt, packed
from domain.retrieval.hybrid import Query
from domain.rules.trial import InForce
from domain.turn import plan_turn
from domain.written import Request
from ports.errors import Conflict
from ports.inbound.answer import Answer, answer_of
from ports.inbound.draft import DraftAnswer
from ports.inbound.listening import NOBODY, Listener
from ports.outbound.clock import Clock, Ids
from ports.outbound.embedding import Embedder, LanguageDetector
from ports.outbound.intents import ActiveModels
from ports.outbound.knowledge import Index
from ports.outbound.rulesets import ActiveRules
from ports.outbound.turns import HearCommand, HeardTurn, Turn, Turns
from ports.outbound.units import Begin

HITS = 8
"""Passages weighed for an answer."""
MORE_HITS = 24
"""Passages weighed once some articles did not help, since those are left out."""
MAX_DECISIONS = 50
"""Times a turn is decided again because the conversation changed; far above any real chat."""


class Reply(Struct, frozen=True):
    """Answer a customer's message. `message` may be chosen by the caller so that a retry is the same message.

    `user` None means: whoever owns the conversation (callers that speak for the whole tenant). `depth` counts
    the automations that the message came through. `groups` are those of the customer's token, by which
    restricted knowledge is read; None: those of the conversation.
    """

    organization: OrganizationId
    conversation: ConversationId
    message: MessageId
    content: str
    attachments: tuple[Attachment, ...] = ()
    user: UserId | None = None
    depth: int = 0
    groups: frozenset[str] | None = None


class Thought(Struct, frozen=True):
    """A plan with what was understood, in which trial, how deep in automations, and its receipt."""

    plan: Plan
    understood: Understanding
    trial: UUID | None
    depth: int
    receipt: bytes


@dataclass(frozen=True, slots=True)
class ReplyToMessage:
    """Hear, think, say."""

    turns: Turns
    begin: Begin
    rules: ActiveRules
    index: Index
    embedder: Embedder
    languages: LanguageDetector
    models: ActiveModels
    brain: Brain
    clock: Clock
    ids: Ids
    draft: DraftAnswer
    software: str

    async def __call__(self, command: Reply, listener: Listener = NOBODY) -> bytes:
        """The answer as JSON (an `Answer`); the same for a message that was answered before.

        The `listener` is told how far it has come. Raises `ContentError`, `NotFoundError`, `TransitionError`,
        and `Unavailable`: if that happens after the message was heard, a sweep answers it later, once.
        """
        message = Message(
            command.message,
            Sender.USER,
            checked_content(command.content),
            self.clock.now(),
            checked_attachments(command.attachments),
            depth=command.depth,
        )
        turn = await self.turns.hear(
            HearCommand(command.organization, command.conversation, message, command.user)
        )
        listener.heard(turn)
        if turn.reply is not None:
            return turn.reply
        return await self.answer(turn, message, message.at, command.groups, listener)

    async def answer(
        self,
        turn: HeardTurn,
        message: Message,
        since: datetime,
        groups: frozenset[str] | None = None,
        listener: Listener = NOBODY,
    ) -> bytes:
        """Think and say, for a message that was heard. `since` is when the work began."""
        thought = await self._think(turn, turn.conversation, message, groups, listener)
        conversation = turn.conversation
        for _ in range(MAX_DECISIONS):
            answer = self._speak(conversation, thought, message, since)
            try:
                return await self._say(conversation, answer, thought)
            except Conflict:
                before = conversation.status
                async with self.begin(conversation.organization) as unit:
                    given = await unit.transcripts.answered(message.id)
                    conversation = await unit.conversations.get(conversation.id)
                if given is not None and given.answer is not None:
                    return given.answer
                changed = before is not conversation.status
                taken_over = changed and Status.ESCALATED in {before, conversation.status}
                asked = conversation.context.asking is not None or bool(conversation.context.told)
                if taken_over or asked or thought.plan.close:  # else a later message just waits its turn
                    thought = await self._think(turn, conversation, message, groups)
                await asyncio.sleep(0)
        raise Conflict("The conversation keeps changing; the message is kept and will be answered.")

    async def _think(
        self,
        turn: HeardTurn,
        conversation: Conversation,
        message: Message,
        groups: frozenset[str] | None,
        listener: Listener = NOBODY,
    ) -> Thought:
        organization = conversation.organization
        rules = await self._rules(turn)
        models = await self.models.at(organization, turn.intents, turn.vocabulary)
        brain = replace(self.brain, intents=models.intents)
        alone = models.head.guess(message.content, await self.embedder.embed(message.content))
        reading = read(message, conversation.context, alone, brain.cues)
        conversation.context, question = reading.context, reading.question
        whole = conversation.context.whole(message)
        vector = await self.embedder.embed(question)
        searched = await self._query(question, vector)
        tier, now = _tier(conversation, turn.tier), self.clock.now()
        heard = Heard(conversation, message, question, tier, now, turn.calendar, reading.move, turn.policy)
        scope = scope_of(heard, self.brain.calendar)
        if groups is not None:
            scope = replace(scope, groups=groups)
        language = self.languages.detect(message.content)
        understood = understand(whole, vector, language, models, scope.day)
        retried = reading.move is Move.NOT_HELPED
        limit = MORE_HITS if retried else HITS
        asked = () if retried else await self._asked(whole, models)
        queries = [searched, *(query for query, _ in asked)]
        hits, *others = await self.index.search(organization, turn.knowledge, queries, scope, limit)
        if scope.api_version is not None and not answers(hits, self.brain.thresholds):
            scope = replace(scope, api_version=None)  # what holds for another version, said to be so
            hits, *others = await self.index.search(organization, turn.knowledge, queries, scope, limit)
        requests = tuple(
            Request(query.text, intent, found) for (query, intent), found in zip(asked, others, strict=True)
        )
        plan = plan_turn(heard, understood, hits, rules, brain, requests)
        drafted = await self.draft.improved(plan, heard, turn.spent, listener)
        if drafted is not None:
            if drafted.written is not None:
                plan = plan_turn(heard, understood, hits, rules, brain, requests, drafted.written)
            plan = replace(plan, why=replace(plan.why, models=drafted.models))
        written = drafted.written if drafted else None
        receipt = Receipt(
            self.software, turn.ruleset, turn.intents, heard, understood, hits, requests, turn.trial, written
        )
        trial = turn.trial.id if turn.trial else None
        return Thought(plan, understood, trial, message.depth, packed(receipt))

    async def _rules(self, turn: HeardTurn) -> InForce:
        organization, trial = turn.conversation.organization, turn.trial
        return InForce(
            await self.rules.at(organization, turn.ruleset),
            trial,
            await self.rules.at(organization, trial.candidate) if trial else None,
        )

    async def _asked(self, text: str, models: Models) -> Sequence[tuple[Query, str]]:
        """The things that a message asks for with their intents, if they are several."""
        pieces = parts(text)
        if len(pieces) == 1:
            return ()
        found: dict[str, Query] = {}
        for piece in pieces:
            vector = await self.embedder.embed(piece)
            guess = models.head.guess(piece, vector)
            if guess.known and guess.confidence >= MEANT:
                found.setdefault(guess.name, await self._query(piece, vector))
        return [(query, intent) for intent, query in found.items()] if len(found) > 1 else ()

    async def _query(self, text: str, vector: NDArray[np.float32]) -> Query:
        """What to search for: the text with its short forms written out."""
        written_out = self.brain.abbreviations.written_out(text)
        if written_out == text:
            return Query(text, vector)
        return Query(written_out, await self.embedder.embed(written_out))

    def _speak(
        self, conversation: Conversation, thought: Thought, message: Message, since: datetime
    ) -> Answer:
        """Apply the plan to the conversation and return the answer as the customer sees it."""
        plan, now = thought.plan, self.clock.now()
        sender = Sender.AI_AGENT if plan.handoff is None else Sender.SYSTEM
        if conversation.status is Status.ESCALATED:
            sender = Sender.SYSTEM
        reply = Message(
            MessageId(self.ids.fresh()),
            sender,
            plan.text,
            now,
            in_reply_to=message.id,
            kind=plan.why.outcome,
        )
        if conversation.status is Status.ESCALATED:
            conversation.acknowledge(reply)
        elif plan.handoff is not None:
            conversation.escalate(plan.handoff, now, notice=reply)
            conversation.context = plan.context
        else:
            conversation.answer(reply, response_type=plan.response_type, context=plan.context)
            if plan.close and not conversation.unanswered:
                conversation.resolve("automated", now)
        ms = max(0, round((now - since).total_seconds() * 1_000))
        return answer_of(reply.id, conversation, message.id, plan, thought.understood, ms)

    async def _say(self, conversation: Conversation, answer: Answer, thought: Thought) -> bytes:
        encoded = msgspec.json.encode(answer)
        understood = thought.understood
        plan, rules = thought.plan, thought.plan.why.rules
        turn = Turn(
            answer.id,
            answer.message_id,
            encoded,
            answer.why.route,
            answer.why.ruleset or None,
            answer.processing_time_ms,
            understood.intent_name,
            understood.intent.confidence,
            understood.sentiment.score,
            understood.sentiment.emotion,
            understood.entities,
            answer.confidence,
            rules.directive.tags if rules else (),
            thought.trial if plan.beside else None,
            plan.beside,
            plan.outward,
            thought.depth,
            thought.receipt,
        )
        given = await self.turns.say(conversation, turn)
        return encoded if given is None else given


def _tier(conversation: Conversation, tenant: str) -> str:
    """The customer's own tier where the channel knows it, else the tenant's."""
    own = conversation.metadata.get("customer_tier")
    return own if isinstance(own, str) and own in TIERS else tenant
