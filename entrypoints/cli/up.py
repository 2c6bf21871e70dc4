"""`casepilot up`: the whole of Casepilot on this machine, until Ctrl-C."""

import os
import sys
import time
from pathlib import Path

import httpx
import msgspec

from adapters.local import port_taken
from entrypoints.cli.output import people, progress, show, show_json
from entrypoints.cli.supervisor import Child, Supervisor
from entrypoints.embedded import RUNNING, Stack, stack
from entrypoints.settings import child_environment
from ports.errors import Refused, Unavailable

START_SECONDS = 120.0
"""Time the API has to become ready."""


def up(data: Path, port: int, dashboard_port: int | None, *, as_json: bool) -> None:
    """Start everything, say where it is, and keep it running. Raises `Refused` and `Unavailable`."""
    for taken in filter(None, (port, dashboard_port)):
        if port_taken("127.0.0.1", taken):
            raise Refused(f"Port {taken} is in use. Choose another with --port or --dashboard-port.")
    with progress() as bar:
        task = bar.add_task("Starting", total=None)

        def step(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total or None)

        with stack(data, "casepilot up", step, port=port, parent=os.getpid()) as running:
            with Supervisor(running.valkey) as supervisor:
                step("Starting the API", 0, 0)
                supervisor.children += _children(running, data, port, dashboard_port)
                _wait_until_ready(supervisor, port, data)
                bar.stop()
                _announce(running, data, port, dashboard_port, as_json=as_json)
                try:
                    supervisor.watch()
                finally:
                    (data / RUNNING).unlink(missing_ok=True)
            if not as_json:
                people.print("Stopped.")


def _children(running: Stack, data: Path, port: int, dashboard_port: int | None) -> list[Child]:
    environ = child_environment(running.settings, PYTHONUNBUFFERED="1")
    python = [sys.executable, "-m", "entrypoints.cli"]
    children = [
        Child(name, [*python, name], environ, data / "logs" / f"{name}.log")
        for name in ("api", "worker", "scheduler")
    ]
    if dashboard_port:
        environ |= {"CASEPILOT_API_URL": f"http://127.0.0.1:{port}", "CASEPILOT_API_KEY": running.api_key}
        command = [*python, "dashboard", "--port", str(dashboard_port)]
        children.append(Child("dashboard", command, environ, data / "logs" / "dashboard.log"))
    return children


def _wait_until_ready(supervisor: Supervisor, port: int, data: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not supervisor.stopping:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/ready", timeout=2).is_success:
                return
        except httpx.TransportError:
            pass
        if time.monotonic() > deadline or any(child.hopeless for child in supervisor.children):
            raise Unavailable(f"The API did not become ready; {data / 'logs' / 'api.log'} says why.")
        supervisor.tend()
        time.sleep(0.1)


def _announce(running: Stack, data: Path, port: int, dashboard_port: int | None, *, as_json: bool) -> None:
    path = data / RUNNING
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.encode(running.settings))
    api = f"http://127.0.0.1:{port}"
    dashboard = f"http://127.0.0.1:{dashboard_port}" if dashboard_port else None
    if as_json:
        show_json(
            {"api": api, "dashboard": dashboard, "api_key": running.api_key, "data": str(data.resolve())}
        )
        return
    show(f"Casepilot is running.\n\n  Ask it       {api}/")
    if dashboard:
        show(f"  Dashboard    {dashboard}/")
    show(
        f"  API          {api}/api/v1  (documentation: {api}/docs)\n  Demo key     {running.api_key}\n"
        f"  Data         {data.resolve()}\n\nCtrl-C stops everything."
    )
