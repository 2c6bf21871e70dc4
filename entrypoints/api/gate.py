"""What every call to /api passes: authentication, the rate limit, and idempotency. In that order."""

import hashlib
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.exceptions import NotAuthorizedException
from litestar.middleware import ASGIMiddleware
from litestar.status_codes import HTTP_429_TOO_MANY_REQUESTS, HTTP_500_INTERNAL_SERVER_ERROR
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from msgspec import Struct

from entrypoints.api.auth import Authenticator
from entrypoints.api.schemas import Error, RateLimited
from ports.outbound.idempotency import Claimed, Idempotency, InFlight, Mismatch, Replay
from ports.outbound.keys import Principal
from ports.outbound.traffic import Allowance, Traffic

LEASE = timedelta(seconds=15)
"""Time a first request has before a repeat may take its key over: far above a turn."""
MAX_KEY = 255
MAX_BODY = 8_388_608
"""Bytes of a request body: five attachments at their largest, and room."""
PUBLIC = ("/api/v1/session",)
"""Paths that need no caller."""
ALLOWANCE = "allowance"
"""Where a call keeps what its caller has left."""
KEY = "idempotency_key"
"""Where a call keeps the key under which its answer is kept."""

Headers = Sequence[tuple[bytes, bytes]]


class Gate(ASGIMiddleware):
    """Lets known callers in, at their pace, and replays repeated requests."""

    scopes = (ScopeType.HTTP,)

    def __init__(
        self, authenticate: Authenticator, traffic: Traffic, idempotency: Idempotency, limit: int
    ) -> None:
        self._authenticate, self._traffic = authenticate, traffic
        self._idempotency, self._limit = idempotency, limit

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """One call."""
        path: str = scope["path"]
        if not path.startswith("/api/"):
            await next_app(scope, receive, send)
            return
        principal, refusal = await self._identify(scope)
        caller = principal.id if principal else f"address:{_address(scope)}"
        allowance = scope["state"][ALLOWANCE] = await self._traffic.count(caller, self._limit)
        if not allowance.allowed:
            await _send_limited(send, allowance, int(time.time()))
        elif refusal is not None and path not in PUBLIC:
            await _send_json(
                send, 401, Error(refusal.detail, {"code": "unauthorized"}), [(b"www-authenticate", b"Bearer")]
            )
        else:
            scope["user"], scope["auth"] = principal, None
            await self._once(scope, receive, send, next_app, principal)

    async def show_allowance(self, message: Message, scope: Scope) -> None:
        """Say on every answer of /api what is left.

        Answers that never came to the gate (no such path, wrong method, the database down before the caller
        was known) count for the address.
        """
        if message["type"] != "http.response.start" or not scope["path"].startswith("/api/"):
            return
        allowance = scope["state"].get(ALLOWANCE)
        if allowance is None:
            allowance = await self._traffic.count(f"address:{_address(scope)}", self._limit)
        message["headers"] = [
            *message["headers"],
            (b"x-ratelimit-limit", str(allowance.limit).encode()),
            (b"x-ratelimit-remaining", str(allowance.remaining).encode()),
            (b"x-ratelimit-reset", str(allowance.reset).encode()),
        ]

    async def _identify(self, scope: Scope) -> tuple[Principal | None, NotAuthorizedException | None]:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        try:
            return await self._authenticate(
                headers.get(b"authorization", ""), headers.get(b"x-api-key", "")
            ), None
        except NotAuthorizedException as refusal:
            return None, refusal

    async def _once(
        self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp, principal: Principal | None
    ) -> None:
        given = dict(scope["headers"]).get(b"idempotency-key")
        if given is None or principal is None or scope.get("method") != "POST":
            await next_app(scope, receive, send)
            return
        key = given.decode("latin-1")
        if not 1 <= len(key) <= MAX_KEY or not key.isprintable():
            error = Error(
                "Idempotency-Key takes 1 to 255 printable characters.", {"code": "bad_idempotency_key"}
            )
            await _send_json(send, 400, error)
            return
        body, receive = await _read(receive)
        key = f"{principal.id}:{key}"
        claim = await self._idempotency.claim(principal.organization, key, _fingerprint(scope, body), LEASE)
        match claim:
            case Claimed():
                await self._first(scope, receive, send, next_app, (principal, key))
            case Replay():
                await _replay(send, claim)
            case Mismatch():
                error = Error(
                    "This Idempotency-Key was used with another request.", {"code": "idempotency_key_reused"}
                )
                await _send_json(send, 422, error)
            case InFlight():
                error = Error(
                    "The first request with this key is still running.", {"code": "request_in_flight"}
                )
                await _send_json(send, 409, error, [(b"retry-after", b"1")])

    async def _first(
        self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp, claim: tuple[Principal, str]
    ) -> None:
        """Answer, keep the answer; what may be tried again is given up instead of kept.

        The answer is not compressed, since a repeat may come from a client that reads no compression.
        """
        principal, key = claim
        scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        scope["state"][KEY] = key
        recorder = _Recorder(send)
        try:
            await next_app(scope, receive, recorder)
        finally:
            if KEY in scope["state"] and recorder.final:
                await self._idempotency.keep(principal.organization, key, recorder.replay())
            else:
                await self._idempotency.release(principal.organization, key)


def do_not_keep(scope: Scope) -> None:
    """Say of a call under way that its answer is not final: the same request may be tried again."""
    scope["state"].pop(KEY, None)


class _Recorder:
    """A `send` that remembers what was sent."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status, self.complete = 500, False
        self._type, self._body = "application/json", bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._type = MutableScopeHeaders.from_message(message).get("content-type", self._type)
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            self.complete = not message.get("more_body", False)
        await self._send(message)

    @property
    def final(self) -> bool:
        """Whether the same request would be answered the same again."""
        failed = self.status >= HTTP_500_INTERNAL_SERVER_ERROR or self.status == HTTP_429_TOO_MANY_REQUESTS
        return self.complete and not failed

    def replay(self) -> Replay:
        """The answer, with its media type before the first line break."""
        return Replay(self.status, self._type.encode() + b"\n" + bytes(self._body))


async def _replay(send: Send, kept: Replay) -> None:
    media_type, _, body = kept.body.partition(b"\n")
    await _send(send, kept.status, body, [(b"content-type", media_type), (b"idempotent-replayed", b"true")])


async def _read(receive: Receive) -> tuple[bytes, Receive]:
    """The whole body, and a `receive` that gives it again."""
    body, more = bytearray(), True
    while more and len(body) <= MAX_BODY:
        message = await receive()
        if message["type"] != "http.request":
            break
        body += message.get("body", b"")
        more = message.get("more_body", False)
    given = False

    async def again() -> Any:  # noqa: ANN401  # an ASGI message
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": bytes(body), "more_body": more}

    return bytes(body), again


def _fingerprint(scope: Scope, body: bytes) -> bytes:
    head = f"{scope['path']}?{scope['query_string']!r}".encode()
    return hashlib.sha256(head + b"\n" + body).digest()


def _address(scope: Scope) -> str:
    """The peer's own address; forwarding headers are anybody's word and do not count."""
    client = scope.get("client")
    return client[0] if client else "unknown"


async def _send_limited(send: Send, allowance: Allowance, now: int) -> None:
    wait = max(1, allowance.reset - now)
    body = RateLimited("Rate limit exceeded", wait, {"code": "rate_limited", "limit": allowance.limit})
    await _send_json(send, 429, body, [(b"retry-after", str(wait).encode())])


async def _send_json(send: Send, status: int, body: Struct, headers: Headers = ()) -> None:
    await _send(send, status, msgspec.json.encode(body), [(b"content-type", b"application/json"), *headers])


async def _send(send: Send, status: int, body: bytes, headers: Headers) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body, "more_body": False})
