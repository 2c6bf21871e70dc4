"""The command line as its users call it: output, JSON, exit codes, one-line errors."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from adapters.local import free_port, hold
from tests.conftest import CACHE

ANSWER_KEYS = {
    "response",
    "response_type",
    "confidence",
    "intent",
    "language",
    "citations",
    "requires_escalation",
    "escalation_reason",
    "entities",
    "sentiment",
    "suggested_actions",
    "processing_time_ms",
    "why",
}


def casepilot(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "entrypoints.cli", *arguments]
    inherited = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL"}}
    return subprocess.run(
        command, capture_output=True, text=True, env=inherited | environment, timeout=120, check=False
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the models made already."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "models").symlink_to(CACHE)
    return folder


@pytest.fixture(scope="module")
def up(data: Path) -> Iterator[dict[str, str]]:
    """`casepilot up` in that folder, until the module ends."""
    command = [sys.executable, "-m", "entrypoints.cli", "up", "--json", "--no-dashboard"]
    command += ["--port", str(free_port()), "--data", str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline()) | {"pid": str(process.pid)}
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


@pytest.mark.parametrize(
    "command", [[], ["up"], ["ask"], ["ingest"], ["api"], ["worker"], ["scheduler"], ["migrate"]]
)
def test_every_command_explains_itself(command: list[str]) -> None:
    done = casepilot(*command, "--help")

    assert done.returncode == 0
    assert "Usage:" in done.stdout


def test_the_version_is_told() -> None:
    assert casepilot("--version").stdout.startswith("casepilot 0.")


def test_up_says_where_everything_is(up: dict[str, str]) -> None:
    assert set(up) >= {"api", "dashboard", "api_key", "data"}
    assert httpx.get(f"{up['api']}/ready").json()["ready"] is True


def test_a_demo_key_opens_a_conversation(up: dict[str, str]) -> None:
    body = {"user_id": "0198aaaa-0000-7000-8000-000000000001", "channel": "web"}

    created = httpx.post(f"{up['api']}/api/v1/conversations", json=body, headers={"X-API-Key": up["api_key"]})

    assert created.status_code == 201


def test_a_second_up_on_the_same_folder_says_who_holds_it(up: dict[str, str], data: Path) -> None:
    done = casepilot("up", "--port", str(free_port()), "--data", str(data))

    assert done.returncode == 3
    assert done.stderr.count("\n") <= 3
    assert f"casepilot up (process {up['pid']})" in done.stderr.replace("\n", " ")


@pytest.mark.parametrize(
    "question",
    [
        "How do I query accounts with their contacts in SOQL?",
        "I get System.LimitException: Too many SOQL queries: 101",
        "How many rows may Data Loader handle compared to the import wizard?",
    ],
)
def test_technical_questions_are_answered_with_citations_that_support_the_words(
    up: dict[str, str], data: Path, question: str
) -> None:
    done = casepilot("ask", "--json", "--data", str(data), question)
    answer = json.loads(done.stdout)

    assert done.returncode == 0
    assert set(answer) >= ANSWER_KEYS
    assert answer["citations"]
    assert answer["why"]["outcome"] == "answered"
    assert answer["why"]["confidence"]["support"] == 1.0
    assert f"[{answer['citations'][0]['number']}]" in answer["response"]


def test_a_recipe_is_declined(up: dict[str, str], data: Path) -> None:
    answer = json.loads(casepilot("ask", "--json", "--data", str(data), "a lasagne recipe please").stdout)

    assert answer["why"]["outcome"] == "declined"
    assert answer["citations"] == []
    assert answer["confidence"] < 0.5


def test_a_furious_enterprise_customer_reaches_people_and_the_rule_is_named(
    up: dict[str, str], data: Path
) -> None:
    text = "cancel everything, your billing is theft, I am calling my lawyer"

    answer = json.loads(casepilot("ask", "--json", "--tier", "enterprise", "--data", str(data), text).stdout)

    assert answer["requires_escalation"] is True
    assert answer["response_type"] == "escalation"
    assert "RULE-ESC-001" in answer["escalation_reason"]
    assert "RULE-ESC-001" in [fired["rule"] for fired in answer["why"]["rules"]["fired"]]


def test_people_read_text_with_sources(up: dict[str, str], data: Path) -> None:
    done = casepilot("ask", "--data", str(data), "How do I reset my password?")

    assert done.returncode == 0
    assert "Sources" in done.stdout
    assert "KB-LOGIN-001" in done.stdout


def test_rules_live_in_the_database_and_as_files(up: dict[str, str], data: Path, tmp_path: Path) -> None:
    where, draft = ["--data", str(data)], tmp_path / "mine.yaml"
    [live] = json.loads(casepilot("rules", "versions", *where, "--json").stdout)
    exported = casepilot("rules", "export", *where)
    mine = "{id: R-1, name: Mine, when: message length is at least 0, actions: [{type: close}]}"
    draft.write_text(f"{exported.stdout}- {mine}\n")

    kept = casepilot("rules", "import", str(draft), *where)
    submitted = casepilot("rules", "import", str(draft), "--submit", "why not", *where, "--json")
    version = json.loads(submitted.stdout)["version"]
    alone = casepilot("rules", "publish", version[:12], *where)
    unknown = casepilot("rules", "export", "--version", "feed", *where)
    headers = {"X-API-Key": up["api_key"]}
    approved = httpx.post(f"{up['api']}/api/v1/rulesets/{version}/publish", headers=headers)
    back = casepilot("rules", "publish", live["hash"][:12], *where)
    replayed = json.loads(casepilot("rules", "backtest", str(draft), *where, "--json").stdout)

    assert (kept.returncode, "draft" in kept.stdout) == (0, True)
    assert replayed["turns"] > 0
    assert (alone.returncode, "Somebody other" in alone.stderr) == (2, True)
    assert (unknown.returncode, unknown.stderr.count("\n")) == (2, 1)
    assert approved.json()["state"] == "live"
    assert back.stdout == f"version {live['hash']} is live\n"
    assert replayed["by_rule"].get("R-1", [0, 0])[1] == replayed["turns"]


def test_documents_are_taken_and_can_be_asked_about(up: dict[str, str], data: Path, tmp_path: Path) -> None:
    page = tmp_path / "zorblatt.md"
    page.write_text(
        "# Configure the Zorblatt connector\n\nOpen the Zorblatt tab and press Link.", encoding="utf-8"
    )
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    (tmp_path / "broken.md").write_text("+++\nid = 1\n", encoding="utf-8")

    first = json.loads(casepilot("ingest", "--json", "--data", str(data), str(tmp_path)).stdout)
    second = json.loads(casepilot("ingest", "--json", "--data", str(data), str(tmp_path)).stdout)
    asked = casepilot("ask", "--json", "--data", str(data), "How do I configure the Zorblatt connector?")
    page.write_text("+++\nid = 1\n", encoding="utf-8")
    broken = json.loads(casepilot("ingest", "--sync", "--json", "--data", str(data), str(tmp_path)).stdout)
    page.unlink()
    (tmp_path / "other.txt").write_text("Something else.", encoding="utf-8")
    synced = json.loads(casepilot("ingest", "--sync", "--json", "--data", str(data), str(tmp_path)).stdout)
    later = casepilot("ask", "--json", "--data", str(data), "How do I configure the Zorblatt connector?")

    assert broken["removed"] == 0
    assert (synced["added"], synced["removed"]) == (1, 1)
    assert "press Link" not in json.loads(later.stdout)["response"]
    assert (first["added"], second["unchanged"]) == (1, 1)
    assert {Path(skipped["path"]).name for skipped in first["skipped"]} == {"picture.png", "broken.md"}
    assert "press Link" in json.loads(asked.stdout)["response"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["ask"], 2, "Missing argument"),
        (["ask", "hi", "--tier", "gold"], 2, "'gold' is no tier"),
        (["ingest", "/nowhere"], 2, "/nowhere: there is no such file or folder"),
        (["ingest", "x.md", "--label", "colour=red"], 2, "write NAME=VALUE"),
        (["ingest", "x.md", "--label", "valid_from=soon"], 2, "--label"),
        (["ingest", "x.md", "--api-version", "newest"], 2, "names no API versions"),
        (["frobnicate"], 2, "No such command"),
        (["api"], 2, "DATABASE_URL is not set"),
        (["migrate"], 2, "DATABASE_URL is not set"),
    ],
)
def test_bad_usage_is_told_in_one_line(arguments: list[str], code: int, words: str, tmp_path: Path) -> None:
    done = casepilot(*arguments)

    assert done.returncode == code
    assert words in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    done = casepilot("ingest", str(tmp_path), "--data", str(tmp_path / "data"))

    assert done.returncode == 2
    assert "the folder has no files" in done.stderr.replace("\n", " ")


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]

        done = casepilot("up", "--port", str(port), "--data", str(tmp_path))

    assert done.returncode == 3
    assert f"Port {port} is in use" in done.stderr


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder", encoding="utf-8")

    done = casepilot("up", "--port", str(free_port()), "--data", str(blocked / "data"))

    assert done.returncode == 3
    assert "cannot be used" in done.stderr


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    done = casepilot("up", "--port", str(free_port()), "--data", "/proc/casepilot")

    assert done.returncode == 3
    assert "cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_setting_names_its_variable() -> None:
    done = casepilot("api", DATABASE_URL="postgresql://x", REDIS_URL="redis://x", CASEPILOT_PORT="many")

    assert done.returncode == 2
    assert "CASEPILOT_PORT" in done.stderr


def test_a_database_that_is_down_is_told(tmp_path: Path) -> None:
    url = f"postgresql://casepilot@/casepilot?host={tmp_path}"

    done = casepilot("migrate", DATABASE_URL=url, REDIS_URL="redis://127.0.0.1:1/0")

    assert done.returncode == 3
    assert "database" in done.stderr


def test_migrate_tells_the_revision(up: dict[str, str], data: Path) -> None:
    running = json.loads((data / "running.json").read_text(encoding="utf-8"))
    environment = {"DATABASE_URL": running["database_url"], "REDIS_URL": running["redis_url"]}

    done = casepilot("migrate", "--json", CASEPILOT_OWNER_URL=running["owner_url"], **environment)

    assert json.loads(done.stdout) == {"revision": "0006"}


def test_a_folder_held_by_somebody_still_starting_is_told(tmp_path: Path) -> None:
    with hold(tmp_path, "somebody"):
        done = casepilot("ask", "hello", "--data", str(tmp_path))

    assert done.returncode == 3
    assert "still starting" in done.stderr.replace("\n", " ")


def test_stopping_leaves_no_process(tmp_path: Path) -> None:
    (tmp_path / "models").symlink_to(CACHE)
    command = [sys.executable, "-m", "entrypoints.cli", "up", "--json", "--no-dashboard"]
    command += ["--port", str(free_port()), "--data", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        below = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        code = process.wait(30)
    psutil.wait_procs(below, timeout=5)

    assert code == 0
    assert len(below) >= 5  # Valkey, API and its worker, worker, scheduler; PostgreSQL detaches itself
    assert [p for p in below if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []
