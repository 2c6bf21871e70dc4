"""The dashboard's view of the HTTP API: synchronous calls, answers as plain data."""

from collections.abc import Mapping
from typing import Any

import httpx

TIMEOUT = 5.0


class ApiError(Exception):
    """The API could not answer; the message says why, for people."""


class Client:
    """Calls with one API key."""

    def __init__(self, url: str, api_key: str, transport: httpx.BaseTransport | None = None) -> None:
        self._http = httpx.Client(
            base_url=url, headers={"X-API-Key": api_key}, timeout=TIMEOUT, transport=transport
        )

    def ready(self) -> dict[str, Any]:
        """The readiness of the API and what is behind it."""
        return self._get("/ready", allowed=503)

    def conversations(self, filters: Mapping[str, str]) -> list[dict[str, Any]]:
        """The newest conversations; `filters` are query parameters of the API."""
        found: list[dict[str, Any]] = self._get("/api/v1/conversations", {"limit": "50", **filters})["items"]
        return found

    def messages(self, conversation: str) -> list[dict[str, Any]]:
        """The first hundred messages of a conversation, the agent's with their reasons."""
        path = f"/api/v1/conversations/{conversation}/messages"
        found: list[dict[str, Any]] = self._get(path, {"limit": "100"})["items"]
        return found

    def _get(
        self, path: str, query: Mapping[str, str] | None = None, allowed: int | None = None
    ) -> dict[str, Any]:
        try:
            response = self._http.get(path, params=query)
        except httpx.HTTPError as error:
            raise ApiError(f"The API at {self._http.base_url} does not answer ({error}).") from error
        if response.is_error and response.status_code != allowed:
            raise ApiError(f"The API refused: {response.json().get('error', response.status_code)}")
        answer: dict[str, Any] = response.json()
        return answer
