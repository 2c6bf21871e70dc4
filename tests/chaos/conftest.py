"""A whole `casepilot up` of our own, and a customer who never gives up."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from adapters.local import free_port
from tests.conftest import CACHE

START_SECONDS = 120


@dataclass
class Up:
    """A running `casepilot up` and its processes."""

    process: subprocess.Popen[str]
    api: str
    api_key: str
    data: Path

    def children(self, name: str) -> list[psutil.Process]:
        """The processes below it whose command line ends with `name` (api, worker, scheduler)."""
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if child.cmdline()[-1:] == [name] or name in child.name():
                    found.append(child)
            except psutil.Error:
                continue
        return found

    def kill(self, name: str) -> int:
        """kill -9 all processes of that name, with what is below them; returns how many."""
        killed = 0
        for process in self.children(name):
            for victim in [*process.children(recursive=True), process]:
                try:
                    victim.kill()
                    killed += 1
                except psutil.NoSuchProcess:
                    continue
        return killed

    def client(self) -> httpx.AsyncClient:
        """A client with the demo key."""
        return httpx.AsyncClient(base_url=self.api, headers={"X-API-Key": self.api_key}, timeout=10)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Everything running in a fresh folder; stopped as Ctrl-C does it, and then nothing may be left."""
    data = tmp_path_factory.mktemp("up")
    (data / "models").symlink_to(CACHE)
    command = [sys.executable, "-m", "entrypoints.cli", "up", "--json", "--no-dashboard"]
    command += ["--port", str(free_port()), "--data", str(data)]
    environment = {**os.environ, "CASEPILOT_RATE_LIMIT": "1000000", "CASEPILOT_UNANSWERED_SECONDS": "2"}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        assert process.stderr is not None
        pytest.fail(process.stderr.read())
    said = json.loads(line)
    below = psutil.Process(process.pid).children(recursive=True)
    yield Up(process, said["api"], said["api_key"], data)
    below += psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    process.wait(30)
    assert process.returncode == 0
    left = [p for p in below if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    deadline = time.monotonic() + 5
    while left and time.monotonic() < deadline:
        time.sleep(0.1)
        left = [p for p in left if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    assert left == []
