"""Serving the API with granian."""

from granian import Granian
from granian.constants import Interfaces, Loops

from adapters.local import port_taken
from entrypoints.settings import Settings
from ports.errors import Refused

BACKLOG = 1_024


def serve(settings: Settings, workers: int) -> None:
    """Serve until SIGTERM or SIGINT. Raises `Refused` when the port is in use."""
    if port_taken(settings.host, settings.port):
        raise Refused(f"Port {settings.port} is in use. Choose another with CASEPILOT_PORT.")
    Granian(
        "entrypoints.api.app:create",
        factory=True,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        address=settings.host,
        port=settings.port,
        workers=workers,
        backlog=BACKLOG,
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=5,
    ).serve()
