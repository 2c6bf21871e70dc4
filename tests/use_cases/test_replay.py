"""Turns decided again from their receipts."""

import zlib
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
from sqlalchemy import text

from adapters.postgres.migrate import owner_engine
from domain.conversation import Channel
from domain.errors import DataFileError, NotFoundError
from domain.ids import ArticleId, MessageId, UserId
from domain.receipt import unpacked
from entrypoints.bootstrap import App
from entrypoints.settings import Settings
from ports.inbound.answer import Answer
from ports.inbound.reply import Reply
from ports.inbound.start import Start
from tests.builders import ORGANIZATION, OTHER_ORGANIZATION

pytestmark = pytest.mark.anyio

REWRITE = """
UPDATE ai.turns SET answer = jsonb_set(answer, '{response}', '"Trust me."') WHERE reply_id = :id
"""


async def ask(app: App, *texts: str) -> list[Answer]:
    started = await app.start(Start(ORGANIZATION, UserId(uuid4()), Channel.API, {"customer_tier": "free"}))
    commands = [Reply(ORGANIZATION, started.conversation.id, MessageId(uuid4()), one) for one in texts]
    return [msgspec.json.decode(await app.reply(command), type=Answer) for command in commands]


@pytest.mark.parametrize(
    "texts",
    [
        ["How do I reset my password?"],
        ["How do I reset my password?", "and for a sandbox?", "thanks!"],
        ["My trigger hits Too many SOQL queries: 101. And why is my report empty?"],
        ["I will sue you, all our data was deleted by your update!", "anybody there?"],
        ["Wie ist das Wetter in Rom?"],
        ["Hello 👋 \u202emoor\u202c"],
    ],
)
async def test_every_way_a_turn_ends_comes_to_the_same_again(app: App, texts: list[str]) -> None:
    for answer in await ask(app, *texts):
        by_reply = await app.replay(ORGANIZATION, answer.id)
        by_message = await app.replay(ORGANIZATION, answer.message_id)

        assert by_reply.differences == ()
        assert by_message.same
        assert by_reply.why.outcome == answer.why.outcome


async def test_knowledge_that_went_since_does_not_matter(app: App) -> None:
    [answer] = await ask(app, "How do I schedule a report?")
    async with app.ports.begin(ORGANIZATION) as unit:
        await unit.knowledge.put([], [ArticleId(one.article_id) for one in answer.citations])
        await unit.commit()

    assert answer.citations
    assert (await app.replay(ORGANIZATION, answer.id)).same


async def test_what_would_be_decided_otherwise_is_named(app: App, settings: Settings) -> None:
    [answer] = await ask(app, "How do I create a custom object?")
    owner = owner_engine(settings.owner_url)
    async with owner.begin() as connection:  # somebody rewrote what was said
        await connection.execute(
            text(REWRITE),
            {"id": answer.id},
        )
    await owner.dispose()

    found = await app.replay(ORGANIZATION, answer.id)

    assert [one.what for one in found.differences] == ["response"]
    assert (found.differences[0].then, found.differences[0].now) == ("Trust me.", answer.response)


async def test_a_turn_of_nobody_or_of_another_tenant_is_not_found(app: App) -> None:
    [answer] = await ask(app, "How do I reset my password?")

    for organization, turn in ((ORGANIZATION, MessageId(UUID(int=1))), (OTHER_ORGANIZATION, answer.id)):
        with pytest.raises(NotFoundError):
            await app.replay(organization, turn)


@pytest.mark.parametrize("data", [b"", b"nonsense", zlib.compress(msgspec.json.encode({}))])
def test_a_receipt_that_cannot_be_read_is_told(data: bytes) -> None:
    with pytest.raises(DataFileError, match="cannot be read"):
        unpacked(data)


async def test_receipts_are_small(app: App, settings: Settings) -> None:
    await ask(app, "How do I reset my password?")
    owner = owner_engine(settings.owner_url)
    async with owner.connect() as connection:
        sizes = (await connection.execute(text("SELECT length(receipt) FROM ai.turns"))).scalars().all()
    await owner.dispose()

    assert sizes
    assert max(sizes) < 20_000


async def test_a_turn_is_replayed_over_http(app: App, client: httpx.AsyncClient) -> None:
    [answer] = await ask(app, "How do I reset my password?")

    found = await client.get(f"/api/v1/rules/turns/{answer.message_id}/replay")

    assert found.status_code == 200, found.text
    assert found.json()["differences"] == []
    assert found.json()["why"]["passages"][0]["passage_id"] == answer.why.passages[0].passage_id
    assert (await client.get(f"/api/v1/rules/turns/{uuid4()}/replay")).status_code == 404
