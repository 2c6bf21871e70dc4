"""The embedded servers: held folders, killed predecessors, data kept between runs."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import redis

from adapters.local import Valkey, free_port, hold, holder_of, port_taken, postgres
from ports.errors import Refused, Unavailable

KEEPER = """
import sys, time
from pathlib import Path
from adapters.local import postgres
with postgres(Path(sys.argv[1])) as url:
    print(url, flush=True)
    time.sleep(60)
"""


def _hold_until(folder: str, held: object, release: object) -> None:
    with hold(Path(folder), "another casepilot"):
        held.set()  # type: ignore[attr-defined]  # a multiprocessing event
        release.wait()  # type: ignore[attr-defined]  # as above


def test_a_folder_is_held_by_one_process_and_its_name_is_told(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    other = context.Process(target=_hold_until, args=(str(tmp_path), held, release))
    other.start()
    held.wait(20)

    holder = holder_of(tmp_path)
    with pytest.raises(Refused, match="another casepilot"), hold(tmp_path, "me"):
        pass

    release.set()
    other.join()
    assert holder == f"another casepilot (process {other.pid})"
    assert holder_of(tmp_path) is None
    with hold(tmp_path, "me"):
        assert holder_of(tmp_path) == f"me (process {os.getpid()})"


def test_a_killed_holder_leaves_nothing_behind(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    other = context.Process(target=_hold_until, args=(str(tmp_path), held, release))
    other.start()
    held.wait(20)
    other.kill()
    other.join()

    with hold(tmp_path, "me"):
        assert holder_of(tmp_path) is not None


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_server_whose_process_was_killed_starts_again(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    command = [sys.executable, "-W", "ignore", "-c", KEEPER, str(folder)]
    keeper = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert keeper.stdout is not None
    assert keeper.stdout.readline().startswith("postgresql://")
    postmaster = int((folder / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
    keeper.kill()
    keeper.wait()
    keeper.stdout.close()
    os.kill(postmaster, signal.SIGKILL)
    while not gone(postmaster):
        time.sleep(0.05)

    with postgres(folder) as url:
        again = int((folder / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
        assert url.startswith("postgresql://")

    assert gone(again), "it stops, although its killed owner never let go"


def test_a_stale_pid_file_of_somebody_else_is_no_obstacle(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    with postgres(folder):
        pass
    (folder / "postmaster.pid").write_text(f"{os.getpid()}\n{folder}\n", encoding="utf-8")

    with postgres(folder) as url:
        assert url.startswith("postgresql://")


def test_a_broken_folder_is_told_in_the_servers_own_words(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    with postgres(folder):
        pass
    (folder / "postgresql.conf").write_text("port = nonsense\n", encoding="utf-8")

    with pytest.raises(Unavailable, match="PostgreSQL did not start"), postgres(folder):
        pass


def test_valkey_keeps_its_data_and_its_port_over_a_kill(tmp_path: Path) -> None:
    with Valkey(tmp_path) as server:
        with redis.Redis.from_url(server.url) as client:
            client.set("kept", "yes")
        url = server.url
        os.kill(server.pid, signal.SIGKILL)
        while server.running:
            time.sleep(0.05)

        server.start()

        assert server.url == url
        with redis.Redis.from_url(server.url) as client:
            assert client.get("kept") == b"yes"


def test_a_taken_port_is_seen() -> None:
    import socket

    free = free_port()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = holder.getsockname()[1]

        assert port_taken("127.0.0.1", taken)
        assert not port_taken("127.0.0.1", free)
