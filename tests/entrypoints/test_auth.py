"""Who may call: API keys and tokens that are right in every way, and nobody else."""

import asyncio
import base64
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from uuid import uuid4

import httpx
import msgspec
import pytest
from joserfc.jwk import RSAKey

from adapters.postgres.keys import FRESH
from domain.ids import OrganizationId, UserId
from entrypoints.api.app import build
from entrypoints.api.auth import LEEWAY, MAX_TOKEN, SESSION_SECONDS, Tokens
from entrypoints.bootstrap import App
from entrypoints.settings import Settings
from tests.builders import NOW, ORGANIZATION
from tests.security.calls import (
    CONVERSATIONS,
    Json,
    a_client,
    a_segment,
    a_started,
    a_token,
    as_owner,
    bearer,
    some_claims,
)

SECRET = "another secret of the tests, long enough too"
RSA = RSAKey.generate_key(2048)
STRANGER = RSAKey.generate_key(2048)
PUBLIC_PEM = RSA.as_pem(private=False).decode()
CHAT = frozenset({"chat"})


@pytest.fixture(scope="module")
def strict(settings: Settings) -> Settings:
    """Settings with both kinds of key, an issuer and an audience."""
    return msgspec.structs.replace(
        settings,
        jwt_secret=SECRET,
        jwt_public_key=PUBLIC_PEM,
        jwt_issuer="https://issuer.test",
        jwt_audience="casepilot",
    )


@pytest.fixture(scope="module")
async def anybody(app: App, strict: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client without credentials."""
    async with a_client(build(app, strict)) as client:
        yield client


def claims(**changes: object) -> Json:
    return some_claims(**{"iss": "https://issuer.test", "aud": "casepilot"} | changes)


async def status(client: httpx.AsyncClient, token: str) -> int:
    return (await client.get(CONVERSATIONS, headers=bearer(token))).status_code


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"Authorization": ""}, id="empty"),
        pytest.param({"Authorization": "Bearer"}, id="scheme alone"),
        pytest.param({"Authorization": "Bearer "}, id="empty token"),
        pytest.param({"Authorization": "Bearer garbage"}, id="garbage"),
        pytest.param({"Authorization": "Bearer a.b.c"}, id="three parts of garbage"),
        pytest.param({"Authorization": "Bearer ...."}, id="dots"),
        pytest.param({"Authorization": "Basic dXNlcjpwYXNz"}, id="Basic"),
        pytest.param({"Authorization": "Digest x"}, id="Digest"),
        pytest.param({"X-API-Key": ""}, id="empty key"),
        pytest.param({"X-API-Key": "garbage"}, id="no key of ours"),
        pytest.param({"X-API-Key": "cpk_"}, id="prefix alone"),
        pytest.param({"X-API-Key": "cpk_AAAAAAAAAAAAAAAAAAAAAA_x"}, id="unknown tenant"),
        pytest.param({"X-API-Key": "cpk_!!!!!!!!!!!!!!!!!!!!!!_x"}, id="tenant of no base64"),
        pytest.param({"X-API-Key": "cpk_" + "A" * 100_000}, id="long key"),
        pytest.param({"X-Api-Key-Id": "1", "Cookie": "session=1"}, id="other headers"),
    ],
)
async def test_without_good_credentials_it_is_401(
    anybody: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await anybody.get(CONVERSATIONS, headers=headers)

    assert answer.status_code == 401
    assert answer.json() == {"error": "Invalid or expired token", "details": {"code": "unauthorized"}}
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("value", [b"Bearer \xff\xfe", b"Bearer \xc3\xa9.x.y", b"\x80"])
async def test_credentials_that_are_no_ascii_are_401(anybody: httpx.AsyncClient, value: bytes) -> None:
    answers = [
        await anybody.get(CONVERSATIONS, headers=[(name, value)]) for name in (b"Authorization", b"X-API-Key")
    ]

    assert [answer.status_code for answer in answers] == [401, 401]


async def test_a_key_of_ours_opens_and_a_changed_one_does_not(app: App, anybody: httpx.AsyncClient) -> None:
    key = await app.ports.keys.issue(ORGANIZATION, "good", CHAT, NOW)
    last = "A" if key[-1] != "A" else "B"

    statuses = [
        (await anybody.get(CONVERSATIONS, headers={"X-API-Key": value})).status_code
        for value in (key, key[:-1] + last, key + "A", key[:-1], key.upper(), f" {key}x", key)
    ]

    assert statuses == [200, 401, 401, 401, 401, 401, 200]


async def test_a_key_is_stored_as_its_hash_only(app: App, settings: Settings) -> None:
    key = await app.ports.keys.issue(ORGANIZATION, "hashed", CHAT, NOW)

    row = (await as_owner(settings, "SELECT * FROM core.api_keys WHERE name = 'hashed'"))[0]

    assert row["hash"] == hashlib.sha256(key.encode()).digest()
    assert key not in str(row)
    assert key.rsplit("_", 1)[1] not in str(row)


async def test_a_revoked_key_is_401_within_five_seconds(
    app: App, anybody: httpx.AsyncClient, settings: Settings
) -> None:
    key = {"X-API-Key": await app.ports.keys.issue(ORGANIZATION, "to be revoked", CHAT, NOW)}
    before = await anybody.get(CONVERSATIONS, headers=key)
    await as_owner(settings, "UPDATE core.api_keys SET revoked_at = now() WHERE name = 'to be revoked'")

    await asyncio.sleep(FRESH)
    after = await anybody.get(CONVERSATIONS, headers=key)

    assert FRESH <= 5
    assert (before.status_code, after.status_code) == (200, 401)


async def test_a_key_opens_until_it_expires(app: App, anybody: httpx.AsyncClient, settings: Settings) -> None:
    keys = {
        name: await app.ports.keys.issue(ORGANIZATION, name, CHAT, NOW) for name in ("still good", "expired")
    }
    for name, days in (("still good", 1), ("expired", -1)):
        await as_owner(
            settings,
            "UPDATE core.api_keys SET expires_at = now() + :by WHERE name = :name",
            by=timedelta(days=days),
            name=name,
        )

    statuses = [
        (await anybody.get(CONVERSATIONS, headers={"X-API-Key": key})).status_code for key in keys.values()
    ]

    assert statuses == [200, 401]


async def test_a_bad_token_is_not_saved_by_a_good_key(anybody: httpx.AsyncClient, api_key: str) -> None:
    answer = await anybody.get(CONVERSATIONS, headers=bearer("a.b.c") | {"X-API-Key": api_key})

    assert answer.status_code == 401


GOOD: dict[str, Callable[[], str]] = {
    "HS256": lambda: a_token(SECRET, claims()),
    "RS256": lambda: a_token(RSA, claims(), "RS256"),
    "a key id": lambda: a_token(RSA, claims(), "RS256", {"kid": "2026-11"}),
    "several audiences": lambda: a_token(SECRET, claims(aud=["other", "casepilot"])),
    "unknown claims": lambda: a_token(SECRET, claims(name="Zoë", roles=["x"], iat=0)),
    "valid since now": lambda: a_token(SECRET, claims(nbf=int(time.time()))),
    "a clock a little ahead": lambda: a_token(SECRET, claims(nbf=int(time.time()) + LEEWAY // 2)),
    "a clock a little behind": lambda: a_token(SECRET, claims(exp=int(time.time()) - LEEWAY // 2)),
    "unknown scopes beside chat": lambda: a_token(SECRET, claims(scope="chat root openid")),
    "no scope, which means chat": lambda: a_token(SECRET, claims(scope=None)),
}


@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD)
async def test_a_good_token_opens(anybody: httpx.AsyncClient, make: Callable[[], str]) -> None:
    token = make()

    assert await status(anybody, token) == 200


async def test_the_scheme_may_be_written_in_any_case(anybody: httpx.AsyncClient) -> None:
    token = a_token(SECRET, claims())

    answers = [
        await anybody.get(CONVERSATIONS, headers={"Authorization": f"{scheme} {token}"})
        for scheme in ("bearer", "BEARER", "Bearer ")
    ]

    assert [answer.status_code for answer in answers] == [200] * 3


def unsigned(algorithm: str) -> str:
    return f"{a_segment({'alg': algorithm, 'typ': 'JWT'})}.{a_segment(claims())}."


def tampered(part: int) -> str:
    """A good token with one character of a part changed to another of the same alphabet."""
    parts = a_token(SECRET, claims()).split(".")
    middle = len(parts[part]) // 2
    changed = "A" if parts[part][middle] != "A" else "B"
    parts[part] = parts[part][:middle] + changed + parts[part][middle + 1 :]
    return ".".join(parts)


def grafted() -> str:
    """The claims of another user under the signature of a good token."""
    head, _, signature = a_token(SECRET, claims()).split(".")
    return f"{head}.{a_segment(claims(scope='admin'))}.{signature}"


def nested() -> str:
    """A header of brackets, deeper than a JSON reader can follow, in a token of allowed length."""
    deep = base64.urlsafe_b64encode(b"[" * 6_000).rstrip(b"=").decode()
    assert len(deep) < MAX_TOKEN
    return f"{deep}.{a_segment({})}.AAAA"


BAD: dict[str, Callable[[], str]] = {
    "alg none": lambda: unsigned("none"),
    "alg None": lambda: unsigned("None"),
    "alg NONE": lambda: unsigned("NONE"),
    "alg empty": lambda: unsigned(""),
    "alg a list": lambda: f"{a_segment({'alg': ['HS256']})}.{a_segment(claims())}.AAAA",
    "alg null": lambda: f"{a_segment({'alg': None})}.{a_segment(claims())}.AAAA",
    "no alg": lambda: f"{a_segment({'typ': 'JWT'})}.{a_segment(claims())}.AAAA",
    "header a list": lambda: f"{a_segment(['HS256'])}.{a_segment(claims())}.AAAA",
    "header nested deeply": nested,
    "public key as HS256 secret": lambda: a_token(PUBLIC_PEM, claims()),
    "public key as HS256 secret, stripped": lambda: a_token(PUBLIC_PEM.strip(), claims()),
    "secret of another": lambda: a_token("some other secret that is long enough", claims()),
    "empty signature": lambda: a_token(SECRET, claims()).rsplit(".", 1)[0] + ".",
    "key of another": lambda: a_token(STRANGER, claims(), "RS256"),
    "own key in jwk": lambda: a_token(STRANGER, claims(), "RS256", {"jwk": STRANGER.as_dict(private=False)}),
    "own key at jku": lambda: a_token(STRANGER, claims(), "RS256", {"jku": "https://evil.test/jwks.json"}),
    "kid of a path": lambda: a_token("", claims(), "HS256", {"kid": "../../../../dev/null"}),
    "RS512": lambda: a_token(RSA, claims(), "RS512"),
    "PS256": lambda: a_token(RSA, claims(), "PS256"),
    "HS512": lambda: a_token(SECRET, claims(), "HS512"),
    "expired": lambda: a_token(SECRET, claims(exp=int(time.time()) - LEEWAY - 5)),
    "expired long ago": lambda: a_token(SECRET, claims(exp=0)),
    "expires before time": lambda: a_token(SECRET, claims(exp=-(10**30))),
    "not yet valid": lambda: a_token(SECRET, claims(nbf=int(time.time()) + LEEWAY + 60)),
    "no exp": lambda: a_token(SECRET, claims(exp=None)),
    "no org": lambda: a_token(SECRET, claims(org=None)),
    "no sub": lambda: a_token(SECRET, claims(sub=None)),
    "exp a text": lambda: a_token(SECRET, claims(exp="9999999999")),
    "exp true": lambda: a_token(SECRET, claims(exp=True)),
    "exp not a number": lambda: a_token(SECRET, claims(exp=float("nan"))),
    "exp infinite": lambda: a_token(SECRET, claims(exp=float("inf"))),
    "org a name": lambda: a_token(SECRET, claims(org="acme")),
    "sub a number": lambda: a_token(SECRET, claims(sub=7)),
    "scope a list": lambda: a_token(SECRET, claims(scope=["chat"])),
    "wrong issuer": lambda: a_token(SECRET, claims(iss="https://evil.test")),
    "no issuer": lambda: a_token(SECRET, claims(iss=None)),
    "issuer with more behind": lambda: a_token(SECRET, claims(iss="https://issuer.test.evil.test")),
    "wrong audience": lambda: a_token(SECRET, claims(aud="another")),
    "no audience": lambda: a_token(SECRET, claims(aud=None)),
    "part of the audience": lambda: a_token(SECRET, claims(aud="case")),
    "list of wrong audiences": lambda: a_token(SECRET, claims(aud=["a", "b"])),
    "unknown crit": lambda: a_token(SECRET, claims(), "HS256", {"crit": ["exp"], "exp": 1}),
    "crit b64": lambda: a_token(SECRET, claims(), "HS256", {"crit": ["b64"], "b64": True}),
    "claims a list": lambda: a_token(SECRET, b"[]"),
    "claims nested deeply": lambda: a_token(SECRET, b'{"a":' + b"[" * 5_000),
    "claims no JSON": lambda: a_token(SECRET, b"\xff\xfe{"),
    "claims of a huge number": lambda: a_token(SECRET, b'{"exp": ' + b"9" * 5_000 + b"}"),
    "padded signature": lambda: a_token(SECRET, claims()) + "=",
    "padded header": lambda: a_token(SECRET, claims()).replace(".", "=.", 1),
    "standard alphabet": lambda: a_token(SECRET, claims()).replace("-", "+").replace("_", "/") + "+",
    "blank inside": lambda: a_token(SECRET, claims()).replace(".", ". ", 1),
    "four parts": lambda: a_token(SECRET, claims()) + ".AAAA",
    "two parts": lambda: a_token(SECRET, claims()).rsplit(".", 1)[0],
    "over 8 KB": lambda: a_token(SECRET, claims(note="x" * MAX_TOKEN)),
    "tampered header": lambda: tampered(0),
    "tampered claims": lambda: tampered(1),
    "tampered signature": lambda: tampered(2),
    "grafted claims": grafted,
}


@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
async def test_a_token_with_anything_wrong_is_401(
    anybody: httpx.AsyncClient, make: Callable[[], str]
) -> None:
    answer = await anybody.get(CONVERSATIONS, headers=bearer(make()))

    assert answer.status_code == 401
    assert answer.json()["error"] == "Invalid or expired token"


async def test_a_long_token_is_refused_for_its_length_alone(strict: Settings) -> None:
    tokens = Tokens(strict)
    short, long = (a_token(SECRET, claims(note="x" * length)) for length in (5_000, MAX_TOKEN))

    assert tokens.verify(short) is not None
    assert tokens.verify(long) is None


async def test_without_a_configured_key_no_token_opens(settings: Settings) -> None:
    tokens = Tokens(msgspec.structs.replace(settings, jwt_secret="", jwt_public_key=""))

    assert tokens.verify(a_token(settings.jwt_secret)) is None
    assert tokens.verify(unsigned("none")) is None


async def test_with_a_public_key_alone_a_shared_secret_does_not_open(strict: Settings) -> None:
    tokens = Tokens(msgspec.structs.replace(strict, jwt_secret=""))

    assert tokens.verify(a_token(RSA, claims(), "RS256")) is not None
    assert tokens.verify(a_token(SECRET, claims())) is None


async def test_an_issued_token_speaks_for_its_user_for_an_hour(strict: Settings) -> None:
    tokens, user = Tokens(strict), UserId(uuid4())
    now = int(time.time())

    fresh = tokens.verify(tokens.issue(ORGANIZATION, user, now))
    old = tokens.verify(tokens.issue(ORGANIZATION, user, now - SESSION_SECONDS - LEEWAY - 5))

    assert fresh is not None
    assert (fresh.organization, fresh.user, fresh.scopes) == (ORGANIZATION, user, CHAT)
    assert old is None


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("", 403),
        ("agent", 403),
        ("root", 403),
        ("CHAT", 403),
        ("chat", 200),
        ("admin", 200),
        ("chat agent", 200),
    ],
)
async def test_a_token_may_do_what_its_scopes_say(
    anybody: httpx.AsyncClient, scope: str, expected: int
) -> None:
    answer = await anybody.get(CONVERSATIONS, headers=bearer(a_token(SECRET, claims(scope=scope))))

    assert answer.status_code == expected
    if expected == 403:
        assert answer.json()["details"]["code"] == "forbidden"


async def test_a_key_without_the_scope_is_403(app: App, anybody: httpx.AsyncClient) -> None:
    key = await app.ports.keys.issue(ORGANIZATION, "agents only", frozenset({"agent"}), NOW)

    answer = await anybody.post(
        CONVERSATIONS, json={"user_id": str(uuid4()), "channel": "web"}, headers={"X-API-Key": key}
    )

    assert answer.status_code == 403


async def test_a_customer_lists_their_own_conversations_whatever_they_ask_for(
    client: httpx.AsyncClient, anybody: httpx.AsyncClient
) -> None:
    user, other = uuid4(), uuid4()
    own, _ = await a_started(client, user), await a_started(client, other)
    token = bearer(a_token(SECRET, claims(sub=str(user))))

    lists = [
        (await anybody.get(CONVERSATIONS, params=params, headers=token)).json()["items"]
        for params in ({}, {"user_id": str(other)}, {"user_id": str(user)})
    ]

    assert [[f"{CONVERSATIONS}/{item['id']}" for item in items] for items in lists] == [[own]] * 3


async def test_an_agent_sees_every_conversation_of_the_tenant(
    client: httpx.AsyncClient, anybody: httpx.AsyncClient
) -> None:
    path = await a_started(client)
    token = bearer(a_token(SECRET, claims(scope="chat agent")))

    answers = [
        await anybody.get(path, headers=token),
        await anybody.post(f"{path}/messages", json={"content": "What is a sandbox?"}, headers=token),
        await anybody.post(f"{path}/resolve", json={"resolution": "human"}, headers=token),
    ]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert answers[-1].json()["resolution"] == "human"


async def test_a_token_of_an_unknown_tenant_sees_nothing(anybody: httpx.AsyncClient) -> None:
    token = bearer(a_token(SECRET, claims(org=str(OrganizationId(uuid4())), scope="admin")))

    answer = await anybody.get(CONVERSATIONS, headers=token)

    assert answer.json() == {"items": [], "next": None}
