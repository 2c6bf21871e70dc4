"""Health, readiness, the demo session, and the chat page."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import structlog
from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.response import File
from litestar.status_codes import HTTP_200_OK, HTTP_503_SERVICE_UNAVAILABLE

from domain.ids import OrganizationId, UserId
from entrypoints.api import schemas
from entrypoints.api.auth import SESSION_SECONDS, Tokens
from entrypoints.api.specs import NO_CREDENTIALS, spec
from entrypoints.bootstrap import App, Ping
from entrypoints.settings import Settings
from entrypoints.version import VERSION

PAGE = Path(__file__).parent / "page"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PING_TIMEOUT = 2.0
NOT_NEEDED_FOR_TURNS = frozenset({"redis"})
"""What may be down while turns go on."""

log = structlog.get_logger()


@get("/health", tags=["system"], operation_id="health", security=NO_CREDENTIALS)
async def health() -> schemas.Health:
    """Whether the process is alive."""
    return schemas.Health("healthy", VERSION, datetime.now(UTC))


@get(
    "/ready",
    tags=["system"],
    operation_id="ready",
    security=NO_CREDENTIALS,
    responses={503: spec(schemas.Ready, "Turns cannot be served")},
)
async def ready(app: NamedDependency[App]) -> Response[schemas.Ready]:
    """Whether turns can be served: pings every adapter."""
    names = list(app.ports.pings)
    answers = await asyncio.gather(*(_well(name, app.ports.pings[name]) for name in names))
    checks = dict(zip(names, answers, strict=True))
    degraded = [name for name, well in checks.items() if not well]
    fit = not set(degraded) - NOT_NEEDED_FOR_TURNS
    status = HTTP_200_OK if fit else HTTP_503_SERVICE_UNAVAILABLE
    return Response(schemas.Ready(fit, checks, degraded), status_code=status)


@post(
    "/api/v1/session",
    tags=["system"],
    operation_id="createDemoSession",
    security=NO_CREDENTIALS,
    responses={
        404: spec(schemas.Error, "Not a demo server"),
        429: spec(schemas.RateLimited, "Rate limit exceeded"),
    },
)
async def session(
    app: NamedDependency[App], settings: NamedDependency[Settings], tokens: NamedDependency[Tokens]
) -> schemas.Session:
    """Give a visitor of the demo page a user and a token for an hour.

    Only on servers started by `casepilot up`.
    """
    if not settings.demo_organization:
        raise NotFoundException("This server gives no demo sessions; use a token or an API key.")
    now = app.ports.clock.now()
    user = UserId(app.ports.ids.fresh())
    token = tokens.issue(OrganizationId(UUID(settings.demo_organization)), user, int(now.timestamp()))
    return schemas.Session(token, user, now + timedelta(seconds=SESSION_SECONDS))


@get("/", include_in_schema=False, sync_to_thread=False)
def page() -> Response[bytes]:
    """The chat page."""
    return Response(
        (PAGE / "index.html").read_bytes(),
        media_type=MediaType.HTML,
        headers={
            "Content-Security-Policy": PAGE_POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-cache",
        },
    )


@get("/favicon.ico", include_in_schema=False, sync_to_thread=False)
def favicon() -> File:
    """The mark of the house."""
    return File(PAGE / "icon.svg", media_type="image/svg+xml", content_disposition_type="inline")


async def _well(name: str, ping: Ping) -> bool:
    try:
        async with asyncio.timeout(PING_TIMEOUT):
            await ping()
    except Exception as error:  # noqa: BLE001  # whatever a ping raises, the adapter is not well
        log.warning("not_ready", check=name, error=str(error))
        return False
    return True
