"""The floor under a turn: the same HTTP stack with two hand-written one-round-trip transactions, no more.

Litestar on granian, msgspec for both bodies, asyncpg through SQLAlchemy's pool as in adapters/postgres. No
authentication, no limits, no thinking; the answer is a recorded one, as large as a real one.
Run: python -m ops.bench.floor, with the settings of `casepilot api` in the environment.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from granian import Granian
from granian.constants import Interfaces, Loops
from litestar import Litestar, post
from litestar.datastructures import State
from litestar.status_codes import HTTP_200_OK
from sqlalchemy.ext.asyncio import AsyncEngine
from uuid_utils.compat import uuid7

from adapters.postgres.engine import driver, engine
from entrypoints.api.schemas import SendMessage, StartConversation
from entrypoints.api.serve import BACKLOG
from entrypoints.lifeline import die_with_parent
from entrypoints.settings import Settings, read

OWNER = "postgres"
SCHEMA = """
CREATE TABLE conversations (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    channel text NOT NULL,
    status text NOT NULL DEFAULT 'active',
    message_count integer NOT NULL DEFAULT 0,
    context jsonb NOT NULL DEFAULT '{}',
    last_activity_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE messages (
    id uuid PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES conversations,
    sender text NOT NULL,
    content text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX messages_of ON messages (conversation_id, created_at)
"""
OPEN = "INSERT INTO conversations (id, user_id, channel) VALUES ($1, $2, $3)"
HEAR = """
WITH heard AS (
    UPDATE conversations SET status = 'waiting', message_count = message_count + 1, last_activity_at = now()
    WHERE id = $1 RETURNING *
), stored AS (
    INSERT INTO messages (id, conversation_id, sender, content) SELECT $2, id, 'user', $3 FROM heard
)
SELECT row_to_json(heard)::text FROM heard
"""
SAY = """
WITH said AS (
    UPDATE conversations
    SET status = 'active', message_count = message_count + 1, context = $4::jsonb, last_activity_at = now()
    WHERE id = $1 RETURNING id
)
INSERT INTO messages (id, conversation_id, sender, content) SELECT $2, id, 'ai_agent', $3 FROM said
"""
CONTEXT = '{"topic": "login", "entities": ["Salesforce"]}'
ANSWER: dict[str, Any] = msgspec.json.decode(Path(__file__).with_name("answer.json").read_bytes())


@post("/api/v1/conversations")
async def start(data: StartConversation, state: State) -> dict[str, UUID]:
    """Open a conversation."""
    conversation = uuid7()
    async with driver(state.pool) as connection:
        await connection.execute(OPEN, conversation, data.user_id, data.channel.value)
    return {"id": conversation}


@post("/api/v1/conversations/{conversation_id:uuid}/messages", status_code=HTTP_200_OK)
async def send(conversation_id: UUID, data: SendMessage, state: State) -> dict[str, Any]:
    """Hear, say."""
    heard, said = uuid7(), uuid7()
    pool: AsyncEngine = state.pool
    async with driver(pool) as connection:
        msgspec.json.decode(await connection.fetchval(HEAR, conversation_id, heard, data.content))
    async with driver(pool) as connection:
        await connection.execute(SAY, conversation_id, said, ANSWER["response"], CONTEXT)
    return {**ANSWER, "id": said, "conversation_id": conversation_id, "message_id": heard}


@asynccontextmanager
async def opened(app: Litestar) -> AsyncIterator[None]:
    """The pool and its tables, for the life of the worker."""
    settings: Settings = app.state.settings
    app.state.pool = engine(settings.database_url, OWNER, settings.pool)
    async with driver(app.state.pool) as connection:
        await connection.execute(SCHEMA)
    yield
    await app.state.pool.dispose()


def create() -> Litestar:
    """What granian loads in its worker."""
    settings = read()
    die_with_parent(settings.parent)
    return Litestar(
        [start, send], lifespan=[opened], state=State({"settings": settings}), openapi_config=None
    )


def main() -> None:
    """Serve as entrypoints/api/serve.py does."""
    settings = read()
    Granian(
        "ops.bench.floor:create",
        factory=True,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        address=settings.host,
        port=settings.port,
        workers=1,
        backlog=BACKLOG,
        log_access=False,
    ).serve()


if __name__ == "__main__":
    main()
