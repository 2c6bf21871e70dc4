"""One table from errors to HTTP answers; every body is `{"error": str, "details": {"code": str, ...}}`."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.status_codes import (
    HTTP_400_BAD_REQUEST,
    HTTP_403_FORBIDDEN,
    HTTP_404_NOT_FOUND,
    HTTP_409_CONFLICT,
    HTTP_500_INTERNAL_SERVER_ERROR,
    HTTP_503_SERVICE_UNAVAILABLE,
)

from domain.errors import ContentError, DomainError, ForbiddenError, NotFoundError, TransitionError
from entrypoints.api.schemas import Error
from ports.errors import Conflict, Refused, Unavailable, WorldError

STATUS: Mapping[type[Exception], int] = {
    NotFoundError: HTTP_404_NOT_FOUND,
    TransitionError: HTTP_409_CONFLICT,
    ContentError: HTTP_400_BAD_REQUEST,
    ForbiddenError: HTTP_403_FORBIDDEN,
    DomainError: HTTP_400_BAD_REQUEST,
    Unavailable: HTTP_503_SERVICE_UNAVAILABLE,
    Conflict: HTTP_503_SERVICE_UNAVAILABLE,
    Refused: HTTP_500_INTERNAL_SERVER_ERROR,
}
RETRY_AFTER = 2
"""Seconds to wait before trying again when nothing better is known."""

AnyRequest = Request[Any, Any, Any]
ExceptionHandler = Callable[[AnyRequest, Any], Response[Any]]

log = structlog.get_logger()


def answer(
    status: int, error: str, code: str, details: Mapping[str, object] = MappingProxyType({})
) -> Response[Error]:
    """An error answer."""
    return Response(
        Error(error, {"code": code, **details}), status_code=status, media_type="application/json"
    )


def on_domain_error(_: AnyRequest, error: DomainError) -> Response[Error]:
    """The request makes no sense now."""
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    return answer(status, str(error), error.code, error.details)


def on_world_error(_: AnyRequest, error: WorldError) -> Response[Error]:
    """Something outside failed; the details stay in the log."""
    log.warning("world_error", kind=type(error).__name__, error=str(error))
    status = STATUS[type(error)]
    if status != HTTP_503_SERVICE_UNAVAILABLE:
        return answer(status, "Something that Casepilot needs refused to work.", "refused")
    wait = error.retry_after or RETRY_AFTER
    reply = answer(
        status, "Casepilot cannot do this right now. Try again shortly.", "unavailable", {"retry_after": wait}
    )
    reply.headers["Retry-After"] = str(wait)
    return reply


def on_http_error(_: AnyRequest, error: HTTPException) -> Response[Error]:
    """What Litestar itself refuses: no such path, wrong method, a body that does not fit."""
    details: dict[str, object] = {}
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        details["fields"] = [
            {key: item[key] for key in ("key", "message") if isinstance(item, dict) and key in item}
            for item in error.extra
        ]
    code = CODES.get(error.status_code, "bad_request")
    reply = answer(error.status_code, error.detail, code, details)
    for name, value in (error.headers or {}).items():
        reply.headers[name] = value
    return reply


def on_bad_text(_: AnyRequest, error: Exception) -> Response[Error]:
    """A body that is no UTF-8, or JSON nested deeper than any real request."""
    reason = "too deeply nested" if isinstance(error, RecursionError) else "not valid UTF-8"
    return answer(HTTP_400_BAD_REQUEST, f"The request body is {reason}.", "bad_json")


def on_bug(_: AnyRequest, error: Exception) -> Response[Error]:
    """Anything else is a bug: loud in the log, silent about itself to the caller."""
    log.error("bug", exc_info=error)
    return answer(HTTP_500_INTERNAL_SERVER_ERROR, "Casepilot made a mistake. It was recorded.", "internal")


CODES: Mapping[int, str] = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
}

HANDLERS: dict[int | type[Exception], ExceptionHandler] = {
    DomainError: on_domain_error,
    WorldError: on_world_error,
    HTTPException: on_http_error,
    RecursionError: on_bad_text,
    UnicodeDecodeError: on_bad_text,
    Exception: on_bug,
}
