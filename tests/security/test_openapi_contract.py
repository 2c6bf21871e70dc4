"""Schemathesis over the whole OpenAPI document: no call gives 5xx, every answer is as documented."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from litestar import Litestar
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished
from schemathesis.python.asgi import shutdown_lifespans

from entrypoints.api.app import serving
from entrypoints.settings import Settings


class OpenedInside:
    """The API, opened at lifespan start-up in the event loop of whoever calls it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._api: Litestar | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            async with serving(self._settings) as self._api:
                await send({"type": "lifespan.startup.complete"})
                await receive()
            await send({"type": "lifespan.shutdown.complete"})
        elif self._api is not None:
            await self._api(scope, receive, send)


@pytest.fixture(scope="module")
def document(settings: Settings, api_key: str) -> Iterator[Any]:
    config = SchemathesisConfig.from_dict(
        {
            "auth": {"openapi": {"apiKey": {"api_key": api_key}}},
            "continue-on-failure": True,
            "generation": {"max-examples": 60, "deterministic": True, "database": "none"},
            "checks": {
                "positive_data_acceptance": {"enabled": False},
                "allow_header_conformance": {"enabled": False},
            },
        }
    )
    yield schemathesis.openapi.from_asgi("/openapi.json", OpenedInside(settings), config=config)
    shutdown_lifespans()


def test_every_answer_is_as_documented(document: Any) -> None:
    import time

    failures = {}
    counts: Counter[str] = Counter()
    t = time.perf_counter()

    for event in from_schema(document).execute():
        if isinstance(event, (NonFatalError, FatalError)):
            failures[str(event)] = repr(getattr(event, "info", None) or event.exception)
        if type(event).__name__.startswith("Phase"):
            print(type(event).__name__, event.phase.name, time.perf_counter() - t, counts)
        if isinstance(event, ScenarioFinished):
            for checks in event.recorder.checks.values():
                for check in checks:
                    counts[check.name] += 1
                    if check.failure_info is not None:
                        f = check.failure_info.failure
                        failures.setdefault(
                            (f.operation, check.name, f.title), (f.message, check.failure_info.code_sample)
                        )
    for k, v in failures.items():
        print(k, v[0][:600], v[1][:700])
        print()
    print(counts)
    assert not failures
