"""Keeps child processes running until told to stop."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from adapters.local import Valkey

STOP_SECONDS = 10.0
"""Time a child has to end by itself."""
STABLE_SECONDS = 5.0
"""A child that lived longer is started again at once; one that did not waits, longer each time."""
MAX_DELAY = 2.0
HOPELESS = 4
"""Deaths in a row right after a start from which waiting for a child makes no sense."""


class Child:
    """One process and how to start it again. Its output goes to a log file."""

    def __init__(self, name: str, command: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
        self.name, self._command, self._environ, self._log = name, command, environ, log
        self._failures = 0
        self._started = self._again_at = 0.0
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it. It gets a process group of its own, so that Ctrl-C reaches the supervisor alone."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as output:
            self.process = subprocess.Popen(  # noqa: S603  # our own command
                self._command,
                env=dict(self._environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._started = time.monotonic()

    @property
    def hopeless(self) -> bool:
        """Whether it keeps dying right after its start."""
        return self._failures >= HOPELESS

    def revive(self) -> bool:
        """Start it again if it died and its pause is over; True when it was started."""
        if self.process is None or self.process.poll() is None:
            return False
        now = time.monotonic()
        if not self._again_at:
            self._failures = 0 if now - self._started > STABLE_SECONDS else self._failures + 1
            self._again_at = now + (0 if not self._failures else min(MAX_DELAY, 0.2 * 2**self._failures))
        if now < self._again_at:
            return False
        self._again_at = 0.0
        self._end_group()
        self.start()
        return True

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def end(self, deadline: float) -> None:
        """Wait until `deadline` (monotonic), then make sure that nothing of it is left."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
        self._end_group()

    def _end_group(self) -> None:
        if self.process is not None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                return


class Supervisor:
    """Children and the Valkey server, watched together."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey
        self.children: list[Child] = []
        self.stopping = False

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in reversed(self.children):
            child.ask_to_stop()
        deadline = time.monotonic() + STOP_SECONDS
        for child in self.children:
            child.end(deadline)

    def watch(self) -> None:
        """Keep everything running until a signal asks to stop."""
        while not self.stopping:
            self.tend()
            time.sleep(0.1)

    def tend(self) -> None:
        """Look once after everybody."""
        if not self._valkey.running and not self.stopping:
            self._valkey.start()
        for child in self.children:
            child.revive()

    def _stop(self, *_: object) -> None:
        self.stopping = True
