"""The Litestar application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import structlog
import swagger_ui
from litestar import Litestar, MediaType, Request, get
from litestar.config.compression import CompressionConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.plugins.prometheus import PrometheusConfig, PrometheusController
from litestar.static_files import create_static_files_router
from litestar.types import LifeSpanReceive, LifeSpanScope, LifeSpanSend, Scope

from entrypoints.api.answers import AnswerController
from entrypoints.api.auth import Authenticator, Tokens
from entrypoints.api.check import CheckController
from entrypoints.api.conversations import ConversationController
from entrypoints.api.errors import HANDLERS
from entrypoints.api.gate import MAX_BODY, Gate
from entrypoints.api.intents import IntentController, VocabularyController
from entrypoints.api.knowledge import ArticleController, KnowledgeController
from entrypoints.api.live import live
from entrypoints.api.rules import FactController, RuleController, RuleSetController
from entrypoints.api.specs import KeptAnswers, completed
from entrypoints.api.system import PAGE, favicon, health, page, ready, session
from entrypoints.api.trials import RehearsalController, TrialController
from entrypoints.bootstrap import App, open_app
from entrypoints.lifeline import die_with_parent
from entrypoints.settings import Settings, read
from entrypoints.version import VERSION

log = structlog.get_logger()

SWAGGER = Path(swagger_ui.__file__).parent / "static"


SWAGGER_UI = SwaggerRenderPlugin(
    js_url="/docs-assets/swagger-ui-bundle.js",
    css_url="/docs-assets/swagger-ui.css",
    standalone_preset_js_url="/docs-assets/swagger-ui-standalone-preset.js",
    favicon="<link rel='icon' href='/favicon.ico'>",
)


@get("/openapi.json", include_in_schema=False, sync_to_thread=False)
def openapi(request: Request[Any, Any, State]) -> dict[str, Any]:
    """The OpenAPI document."""
    return completed(request.app.openapi_schema.to_schema())


@get("/docs", include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=False)
def docs(request: Request[Any, Any, State]) -> bytes:
    """The document as a page to try things on; its scripts and styles are our own server's."""
    return SWAGGER_UI.render(request, completed(request.app.openapi_schema.to_schema()))


class Metrics(PrometheusController):
    """Prometheus text at /metrics."""

    path = "/metrics"
    include_in_schema = False


def build(app: App, settings: Settings) -> Litestar:
    """The HTTP API over an open application."""
    tokens = Tokens(settings)
    authenticator = Authenticator(tokens, app.ports.keys)
    gate = Gate(authenticator, app.ports.traffic, app.ports.idempotency, settings.rate_limit)
    metrics = PrometheusConfig(app_name="casepilot", prefix="casepilot", group_path=True)
    return Litestar(
        route_handlers=[
            ConversationController,
            FactController,
            RuleController,
            RuleSetController,
            RehearsalController,
            ArticleController,
            IntentController,
            VocabularyController,
            KnowledgeController,
            TrialController,
            AnswerController,
            CheckController,
            live,
            health,
            ready,
            session,
            page,
            favicon,
            openapi,
            docs,
            Metrics,
            create_static_files_router(path="/page", directories=[PAGE], include_in_schema=False),
            create_static_files_router(path="/docs-assets", directories=[SWAGGER], include_in_schema=False),
        ],
        dependencies={
            "app": Provide(lambda: app, sync_to_thread=False),
            "settings": Provide(lambda: settings, sync_to_thread=False),
            "tokens": Provide(lambda: tokens, sync_to_thread=False),
            "authenticator": Provide(lambda: authenticator, sync_to_thread=False),
            "rate_limit": Provide(lambda: settings.rate_limit, sync_to_thread=False),
        },
        middleware=[metrics.middleware, gate],
        before_send=[gate.show_allowance],
        exception_handlers=HANDLERS,
        openapi_config=_openapi(),
        plugins=[KeptAnswers()],
        request_max_body_size=MAX_BODY,
        compression_config=CompressionConfig(backend="gzip", exclude=["/messages"], minimum_size=2_000),
        signature_types=[App, Authenticator, Settings, Tokens],
    )


def _openapi() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Casepilot API",
        version=VERSION,
        description="An AI customer-service agent for Salesforce support that can prove its answers.",
        path="/schema",
        use_handler_docstrings=True,
        render_plugins=[SWAGGER_UI],
        components=Components(
            security_schemes={
                "bearerAuth": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT"),
                "apiKey": SecurityScheme(type="apiKey", name="X-API-Key", security_scheme_in="header"),
            }
        ),
        security=[{"bearerAuth": []}, {"apiKey": []}],
    )


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Litestar]:
    """The API with everything behind it open."""
    async with open_app(settings) as app:
        yield build(app, settings)


class Served:
    """An ASGI application that opens itself at lifespan start-up, inside the server's own event loop."""

    def __init__(self) -> None:
        self._settings = read()
        self._app: Litestar | None = None

    async def __call__(self, scope: Scope | LifeSpanScope, receive: Any, send: Any) -> None:  # noqa: ANN401  # two protocols
        """Run one ASGI scope."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif self._app is not None:
            await self._app(scope, receive, send)

    async def _lifespan(self, receive: LifeSpanReceive, send: LifeSpanSend) -> None:
        await receive()
        die_with_parent(self._settings.parent)
        try:
            async with serving(self._settings) as self._app:
                await send({"type": "lifespan.startup.complete"})
                await receive()
        except Exception as error:
            log.exception("start_failed")
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise
        await send({"type": "lifespan.shutdown.complete"})


def create() -> Served:
    """What granian loads in each of its workers."""
    return Served()
