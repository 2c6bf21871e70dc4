"""The composition root: `connect` opens adapters, `wire` makes use cases of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.dramatiq import DramatiqWaker
from adapters.embedding import MiniLmEmbedder, prepare
from adapters.llm import Endpoint, OpenAiModel
from adapters.memory import MemoryIndex
from adapters.postgres.engine import APP, WORKER, engine, ping
from adapters.postgres.experience import PostgresExperience
from adapters.postgres.history import PostgresHistory, PostgresReceipts
from adapters.postgres.idempotency import PostgresIdempotency
from adapters.postgres.intents import CachedModels
from adapters.postgres.jobs import PostgresJobs, PostgresOutbox, PostgresOverdue
from adapters.postgres.keys import PostgresApiKeys
from adapters.postgres.knowledge import PostgresPassages
from adapters.postgres.labels import PostgresLabels
from adapters.postgres.reports import PostgresReports
from adapters.postgres.rulesets import CachedRules
from adapters.postgres.turns import PostgresTurns
from adapters.postgres.units import PostgresUnits
from adapters.redis import RedisTraffic
from adapters.redis import connect as connect_redis
from adapters.starter.labels import labels
from adapters.starter.loader import prompt, schema
from adapters.system import LangidDetector, SystemClock, TimeOrderedIds
from domain.facts import Brain
from domain.routing import HOSTED, LOCAL, Link
from domain.texts import Catalogue
from entrypoints.models import load_brain, load_models, taxonomy
from entrypoints.settings import Settings
from entrypoints.version import VERSION
from ports.errors import Refused
from ports.inbound.answer_policy import AnswerPolicies
from ports.inbound.close import EscalateConversation, ResolveConversation
from ports.inbound.curate import CurateArticles
from ports.inbound.draft import DraftAnswer
from ports.inbound.feedback import TakeFeedback
from ports.inbound.history import ReadConversations
from ports.inbound.ingest import IngestArticles
from ports.inbound.learn import ReviewKnowledge
from ports.inbound.publish import PublishRuleSet
from ports.inbound.rehearse import Rehearse
from ports.inbound.replay import ReplayTurn
from ports.inbound.reply import ReplyToMessage
from ports.inbound.rule_lab import RuleLab
from ports.inbound.snapshot import StoreIndex
from ports.inbound.start import StartConversation
from ports.inbound.train import TrainIntents
from ports.inbound.trial import RuleTrials
from ports.inbound.why import ExplainTurns
from ports.inbound.work import RunJob, Sweep, Timing
from ports.outbound.clock import Clock, Ids
from ports.outbound.embedding import Embedder, LanguageDetector
from ports.outbound.experience import Experience
from ports.outbound.history import History
from ports.outbound.idempotency import Idempotency
from ports.outbound.intents import ActiveModels
from ports.outbound.jobs import Jobs, Leases, Outbox, Overdue, Waker
from ports.outbound.keys import ApiKeys
from ports.outbound.knowledge import Index, PassageLog, Refresh
from ports.outbound.labels import Labels
from ports.outbound.language import LanguageModel
from ports.outbound.receipts import Receipts
from ports.outbound.reports import Reports
from ports.outbound.rulesets import ActiveRules
from ports.outbound.traffic import Traffic
from ports.outbound.turns import Turns
from ports.outbound.units import Begin

HOSTED_CONTEXT = 32_000
"""Tokens that are used of a hosted model's context at most: more passages than are ever found."""
Ping = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Ports:
    """Every adapter, open. `pings` raise when their adapter is not well."""

    begin: Begin
    turns: Turns
    rules: ActiveRules
    index: Index
    refresh: Refresh
    log: PassageLog
    experience: Experience
    embedder: Embedder
    languages: LanguageDetector
    models: ActiveModels
    brain: Brain
    clock: Clock
    ids: Ids
    texts: Catalogue
    writers: Sequence[LanguageModel]
    keys: ApiKeys
    idempotency: Idempotency
    traffic: Traffic
    jobs: Jobs
    leases: Leases
    reports: Reports
    history: History
    receipts: Receipts
    labels: Labels
    pings: Mapping[str, Ping]


@dataclass(frozen=True, slots=True)
class App:
    """The use cases, and the ports that the edge itself needs."""

    ports: Ports
    start: StartConversation
    reply: ReplyToMessage
    resolve: ResolveConversation
    escalate: EscalateConversation
    feedback: TakeFeedback
    read: ReadConversations
    ingest: IngestArticles
    curate: CurateArticles
    review: ReviewKnowledge
    train: TrainIntents
    publish: PublishRuleSet
    run_job: RunJob
    lab: RuleLab
    rehearse: Rehearse
    trials: RuleTrials
    explain: ExplainTurns
    replay: ReplayTurn
    policy: AnswerPolicies


@asynccontextmanager
async def connect(settings: Settings) -> AsyncIterator[Ports]:
    """Open every adapter of the API and the worker.

    Servers that are down are no error here: calls say so later.
    """
    async with AsyncExitStack() as stack:
        roles = ((APP, settings.pool), (APP, 2), (WORKER, 2))  # long reads of history do not hold up turns
        app_pool, history_pool, worker_pool = (engine(settings.database_url, *role) for role in roles)
        for pool in (app_pool, history_pool, worker_pool):
            stack.push_async_callback(pool.dispose)
        redis = connect_redis(settings.redis_url)
        stack.push_async_callback(redis.aclose)
        cache = Path(settings.cache)
        embedder = MiniLmEmbedder(await asyncio.to_thread(prepare, cache))
        stack.callback(embedder.close)
        models = await load_models(cache, embedder)
        brain = load_brain(models)
        begin, jobs = PostgresUnits(app_pool), PostgresJobs(worker_pool)
        passages = PostgresPassages(history_pool)
        index, refresh = _index(passages, settings)
        yield Ports(
            begin=begin,
            turns=PostgresTurns(app_pool),
            rules=CachedRules(begin, schema()),
            index=index,
            refresh=refresh,
            log=passages,
            experience=PostgresExperience(history_pool),
            embedder=embedder,
            languages=await asyncio.to_thread(LangidDetector),
            models=CachedModels(begin, models),
            brain=brain,
            clock=SystemClock(),
            ids=TimeOrderedIds(),
            texts=brain.texts,
            writers=_writers(settings, stack),
            keys=PostgresApiKeys(app_pool),
            idempotency=PostgresIdempotency(app_pool),
            traffic=RedisTraffic(redis),
            jobs=jobs,
            leases=jobs,
            reports=PostgresReports(app_pool),
            history=PostgresHistory(history_pool),
            receipts=PostgresReceipts(history_pool),
            labels=PostgresLabels(history_pool),
            pings=_pings(app_pool, redis, embedder),
        )


def _pings(pool: AsyncEngine, redis: Redis, embedder: Embedder) -> dict[str, Ping]:
    return {
        "database": lambda: ping(pool),
        "redis": redis.ping,
        "ai_models": lambda: embedder.embed("ready?"),
    }


def _writers(settings: Settings, stack: AsyncExitStack) -> list[LanguageModel]:
    """The language models that settings name; none is fine."""
    found = []
    if settings.vllm_url:
        link = Link(settings.vllm_model, LOCAL, settings.vllm_context)
        found.append(Endpoint(settings.vllm_url, settings.vllm_key, settings.vllm_model, link))
    if settings.openai_api_key:
        price = settings.openai_price_in, settings.openai_price_out
        link = Link(settings.openai_model, HOSTED, HOSTED_CONTEXT, *price)
        found.append(Endpoint(settings.openai_url, settings.openai_api_key, settings.openai_model, link))
    models = [OpenAiModel(endpoint) for endpoint in found]
    for model in models:
        stack.push_async_callback(model.aclose)
    return list(models)


def _index(passages: PostgresPassages, settings: Settings) -> tuple[Index, Refresh]:
    """The index in this process, or the one in Milvus where a setting names it. Raises `Refused`."""
    if not settings.milvus_url:
        memory = MemoryIndex(passages, passages, settings.index_memory_mb * 2**20)
        return memory, StoreIndex(passages, passages)
    try:
        from adapters.milvus import MilvusIndex  # noqa: PLC0415  # an extra; most have no need of it
    except ImportError as error:
        raise Refused("CASEPILOT_MILVUS_URL needs the extra: pip install 'casepilot[milvus]'.") from error
    milvus = MilvusIndex(settings.milvus_url, passages, settings.milvus_token)
    return milvus, milvus.refresh


def wire(ports: Ports, timing: Timing) -> App:
    """Make the use cases. Opens nothing."""
    reply = _reply(ports, timing)
    rehearse = Rehearse(ports.begin, ports.rules, ports.history, ports.clock, ports.ids, schema())
    ingest = IngestArticles(ports.begin, ports.embedder)
    review = _review(ports, ingest)
    train = TrainIntents(ports.begin, ports.models, ports.embedder, ports.clock, ports.ids, taxonomy())
    trials = RuleTrials(ports.begin, ports.clock, ports.ids)
    return App(
        ports,
        StartConversation(ports.begin, ports.clock, ports.ids, ports.texts),
        reply,
        ResolveConversation(ports.begin, ports.clock),
        EscalateConversation(ports.begin, ports.clock, ports.ids, ports.texts),
        TakeFeedback(ports.begin, ports.clock),
        ReadConversations(ports.begin),
        ingest,
        CurateArticles(
            ports.begin, ingest, ports.index, ports.log, ports.experience, ports.embedder, ports.clock
        ),
        review,
        train,
        PublishRuleSet(ports.begin, ports.clock, schema()),
        RunJob(
            ports.jobs,
            ports.begin,
            ports.turns,
            reply,
            ports.reports,
            ports.clock,
            timing,
            rehearse,
            trials,
            ports.leases,
            ports.refresh,
            review,
            train,
        ),
        RuleLab(ports.begin, ports.rules, ports.clock, ports.ids, schema()),
        rehearse,
        trials,
        ExplainTurns(ports.begin, ports.rules, ports.history, schema()),
        ReplayTurn(ports.receipts, ports.rules, ports.models, ports.brain),
        AnswerPolicies(ports.begin, ports.labels, ports.reports, ports.clock, labels()),
    )


def _review(ports: Ports, ingest: IngestArticles) -> ReviewKnowledge:
    known = ports.experience, ports.log, ports.embedder, ports.clock, ports.ids, ports.brain.people
    return ReviewKnowledge(ports.begin, ingest, *known)


def _reply(ports: Ports, timing: Timing) -> ReplyToMessage:
    draft = DraftAnswer(
        ports.writers, prompt(), ports.embedder, timing.model.total_seconds(), ports.brain.people
    )
    return ReplyToMessage(
        ports.turns,
        ports.begin,
        ports.rules,
        ports.index,
        ports.embedder,
        ports.languages,
        ports.models,
        ports.brain,
        ports.clock,
        ports.ids,
        draft,
        VERSION,
    )


@asynccontextmanager
async def open_app(settings: Settings) -> AsyncIterator[App]:
    """Connect and wire."""
    async with connect(settings) as ports:
        yield wire(ports, settings.timing)


@asynccontextmanager
async def open_sweep(settings: Settings) -> AsyncIterator[Sweep]:
    """The scheduler's few adapters; it needs no models."""
    async with AsyncExitStack() as stack:
        pool = engine(settings.database_url, WORKER, 2)
        stack.push_async_callback(pool.dispose)
        outbox: Outbox = PostgresOutbox(pool)
        overdue: Overdue = PostgresOverdue(pool)
        waker: Waker = stack.enter_context(DramatiqWaker(settings.redis_url))
        yield Sweep(outbox, overdue, PostgresJobs(pool), waker, SystemClock(), settings.timing)
