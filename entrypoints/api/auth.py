"""Who is calling: bearer JWT (HS256 or RS256) or X-API-Key."""

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID, uuid4

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, RSAKey
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from msgspec import Struct

from domain.ids import OrganizationId, UserId
from entrypoints.settings import Settings
from ports.outbound.keys import SCOPES, ApiKeys, Principal

LEEWAY = 30
"""Seconds by which clocks may differ."""
SESSION_SECONDS = 3_600
"""Life of a demo session, the customer's session_timeout."""
MAX_TOKEN = 8_192
DOTS = 2
"""Dots in a compact JWS (RFC 7515)."""
INVALID = "Invalid or expired token"
Connection = ASGIConnection[Any, Principal, Any, Any]

BASE64URL = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


class Claims(Struct, frozen=True):
    """The claims we read. `org` is the tenant, `sub` the user, `scope` space-separated.

    `groups` name the restricted knowledge that the user may read.
    """

    org: UUID
    sub: UUID
    exp: int
    scope: str = "chat"
    iss: str = ""
    aud: str | list[str] = ""
    nbf: int = 0
    groups: tuple[str, ...] = ()


class Tokens:
    """Verifies JWTs, and issues the demo's.

    Each algorithm has its own key, so neither can pass for the other.
    """

    def __init__(self, settings: Settings) -> None:
        self._keys: dict[str, OctKey | RSAKey] = {}
        if settings.jwt_secret:
            self._keys["HS256"] = OctKey.import_key(settings.jwt_secret)
        if settings.jwt_public_key:
            self._keys["RS256"] = RSAKey.import_key(settings.jwt_public_key)
        self._issuer, self._audience = settings.jwt_issuer, settings.jwt_audience

    def verify(self, token: str) -> Principal | None:
        """The principal of a token; None when anything about it is wrong."""
        if len(token) > MAX_TOKEN or not BASE64URL.issuperset(token) or not _canonical(token):
            return None
        for algorithm, key in self._keys.items():
            claims = _claims(token, algorithm, key)
            if claims is not None:
                return self._principal(claims)
        return None

    def issue(self, organization: OrganizationId, user: UserId, now: int, groups: Sequence[str] = ()) -> str:
        """A chat token for one user, valid for `SESSION_SECONDS`. Needs the HS256 secret.

        `groups` may read what is restricted to them.
        """
        claims = {
            "org": str(organization),
            "sub": str(user),
            "scope": "chat",
            "exp": now + SESSION_SECONDS,
            "iss": self._issuer,
            "aud": self._audience,
            "jti": str(uuid4()),
            "groups": list(groups),
        }
        return jwt.encode({"alg": "HS256"}, claims, self._keys["HS256"], algorithms=["HS256"])

    def _principal(self, claims: Claims) -> Principal | None:
        now = time.time()
        audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud
        if now > claims.exp + LEEWAY or now < claims.nbf - LEEWAY:
            return None
        if claims.iss != self._issuer or (self._audience and self._audience not in audiences):
            return None
        scopes = frozenset(claims.scope.split()) & frozenset(SCOPES)
        return Principal(
            f"user:{claims.org}:{claims.sub}",
            OrganizationId(claims.org),
            UserId(claims.sub),
            scopes,
            claims.groups,
        )


class Authenticator:
    """The principal of a connection."""

    def __init__(self, tokens: Tokens, keys: ApiKeys) -> None:
        self._tokens, self._keys = tokens, keys

    async def __call__(self, authorization: str, api_key: str) -> Principal:
        """Raises `NotAuthorizedException` (401). A bearer token wins over a key."""
        principal = None
        if authorization:
            scheme, _, token = authorization.partition(" ")
            principal = self._tokens.verify(token.strip()) if scheme.lower() == "bearer" else None
        elif api_key:
            principal = await self._keys.verify(api_key)
        if principal is None:
            raise NotAuthorizedException(INVALID, headers={"WWW-Authenticate": "Bearer"})
        return principal


def needs(scope: str) -> Callable[[Connection, BaseRouteHandler], Awaitable[None]]:
    """A route guard: 403 without `scope`. 'admin' may do everything.

    It is a coroutine since Litestar sends plain functions to a thread.
    """

    async def guard(connection: Connection, _: BaseRouteHandler) -> None:
        if not connection.user.scopes & {scope, "admin"}:
            raise PermissionDeniedException(f"This needs the scope '{scope}'.")

    return guard


def _canonical(token: str) -> bool:
    """Whether a token has three parts, each the only base64url form of its bytes (RFC 4648, section 3.5)."""
    parts = token.split(".")
    try:
        again = [urlsafe_b64encode(urlsafe_b64decode(part + "==")).rstrip(b"=").decode() for part in parts]
    except ValueError:
        return False
    return len(parts) == DOTS + 1 and again == parts


def _claims(token: str, algorithm: str, key: OctKey | RSAKey) -> Claims | None:
    try:
        decoded = jwt.decode(token, key, algorithms=[algorithm])
        if decoded.header.get("alg") != algorithm or "crit" in decoded.header:
            return None
        return msgspec.convert(decoded.claims, Claims)
    except (JoseError, msgspec.ValidationError, ValueError, TypeError, RecursionError):
        return None
