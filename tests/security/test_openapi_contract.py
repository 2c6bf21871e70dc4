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
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.python.asgi import shutdown_lifespans

from entrypoints.api.app import serving
from entrypoints.settings import Settings

EXAMPLES = 50
UNCHECKED = {
    "allow_header_conformance": {"enabled": False},  # Litestar answers OPTIONS for one handler of a path only
    "positive_data_acceptance": {"enabled": False},  # a message of blanks fits the schema only
}
UNLIKELY = {
    "POST /api/v1/conversations/{conversation_id}/feedback",
    "GET /api/v1/rulesets/{version}/trial",
    "DELETE /api/v1/rulesets/{version}/trial",
}
"""Need the id of an answer, or a version on trial, which is too much for chance."""


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
    """The document of the API with everything behind it, ready to be called."""
    config = SchemathesisConfig.from_dict(
        {
            "auth": {"openapi": {"apiKey": {"api_key": api_key}}},
            "continue-on-failure": True,
            "generation": {"max-examples": EXAMPLES, "deterministic": True, "database": "none"},
            "checks": UNCHECKED,
        }
    )
    yield schemathesis.openapi.from_asgi("/openapi.json", OpenedInside(settings), config=config)
    shutdown_lifespans()


def failures(recorder: ScenarioRecorder) -> Iterator[str]:
    """What the checks of a scenario found, each with the call that shows it."""
    for check in (check for checks in recorder.checks.values() for check in checks):
        if check.failure_info is not None:
            failure = check.failure_info.failure
            yield f"{failure.title}: {failure.message}\n{check.failure_info.code_sample}"


def test_no_generated_call_fails_and_every_answer_is_as_documented(document: Any) -> None:
    found: list[str] = []
    done: Counter[tuple[str, int]] = Counter()

    for event in from_schema(document).execute():
        if isinstance(event, FatalError | NonFatalError):
            found.append(str(event))
        if isinstance(event, ScenarioFinished):
            found += failures(event.recorder)
            for case, interaction in event.recorder.interactions.items():
                if interaction.response is not None:
                    operation = event.recorder.cases[case].value.operation.label
                    done[operation, interaction.response.status_code // 100] += 1

    succeeded = {operation for operation, kind in done if kind == 2}
    print(f"{sum(done.values())} calls to {len({operation for operation, _ in done})} operations")
    assert found == [], "\n\n".join(found)
    assert sum(done.values()) > 500
    assert succeeded >= {operation for operation, _ in done} - UNLIKELY
