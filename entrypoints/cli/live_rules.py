"""`casepilot rules` with a database: what is live, what was, drafts from files, rehearsals on history."""

import asyncio
import getpass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
from rich.table import Table

from adapters.starter.rulefiles import read_file, to_yaml
from domain.errors import NotFoundError
from domain.ids import ContentHash
from domain.rules.backtest import Report
from entrypoints.bootstrap import App, open_app
from entrypoints.cli.output import progress, results, show_json
from entrypoints.embedded import DEMO_ORGANIZATION, Step, reachable
from ports.errors import Refused
from ports.inbound.approval import Who
from ports.inbound.rehearse import AskRehearsal
from ports.inbound.rule_lab import SaveDraft
from ports.outbound.rulesets import State, Version
from ports.outbound.trials import RehearsalState

SHOWN = 100
HASH = 64
"""Characters of a content hash."""


def export(data: Path, version: str | None) -> str:
    """A version as YAML; the live one without a hash, which may be its beginning. Raises `NotFoundError`."""

    async def run(app: App) -> bytes:
        found = await _find(app, version)
        return (await app.lab.version(DEMO_ORGANIZATION, found.hash))[1]

    return to_yaml(msgspec.json.decode(_with_app(data, run)))


def take(data: Path, path: Path, title: str | None, note: str | None) -> dict[str, object]:
    """Keep a file as a draft; with a note, submit it for approval. Raises `RuleError`, `DataFileError`."""
    document = msgspec.json.encode(read_file(path))
    who = Who(DEMO_ORGANIZATION, getpass.getuser())

    async def run(app: App) -> dict[str, object]:
        draft = await app.lab.save(SaveDraft(who, title or path.stem, document))
        if note is None:
            return {"draft": str(draft.id), "title": draft.title}
        submitted = await app.lab.submit(who, draft.id, note)
        return {"version": submitted.version.hash, "state": submitted.version.state.value}

    found: dict[str, object] = _with_app(data, run)
    return found


def publish(data: Path, version: str) -> Version:
    """Make a version live, or go back to one that was. Raises `ForbiddenError` for one's own new version."""
    who = Who(DEMO_ORGANIZATION, getpass.getuser())

    async def run(app: App) -> Version:
        return await app.lab.publish(who, (await _find(app, version)).hash)

    found: Version = _with_app(data, run)
    return found


def versions(data: Path, *, as_json: bool) -> None:
    """Print the newest versions."""

    async def run(app: App) -> list[Version]:
        return list(await app.lab.versions(DEMO_ORGANIZATION, SHOWN))

    found: list[Version] = _with_app(data, run)
    if as_json:
        show_json(found)
        return
    table = Table(box=None, pad_edge=False)
    for column in ("Version", "State", "Author", "Approver", "Made", "Note"):
        table.add_column(column, overflow="fold")
    for one in found:
        made = one.created_at.strftime("%Y-%m-%d %H:%M")
        table.add_row(one.hash[:12], one.state, one.author, one.approver or "", made, one.note)
    results.print(table)


def rehearse(data: Path, path: Path, days: int, staffing: dict[str, float]) -> tuple[Report, float]:
    """Replay the stored turns of the last days and keep the report; and the seconds that took."""
    since = datetime.now(UTC) - timedelta(days=days)
    who = Who(DEMO_ORGANIZATION, getpass.getuser())
    command = AskRehearsal(who, msgspec.json.encode(read_file(path)), since, staffing)
    with progress() as bar:
        task = bar.add_task("Replaying", total=None)

        async def going_on(done: int) -> bool:
            bar.update(task, description="Replaying", completed=done)
            return True

        async def run(app: App) -> tuple[Report, float]:
            began = perf_counter()
            asked = await app.rehearse.ask(command, RehearsalState.RUNNING)
            try:
                report = await app.rehearse.run(DEMO_ORGANIZATION, asked.id, going_on)
            except BaseException:
                await app.rehearse.give_up(DEMO_ORGANIZATION, asked.id, "It was interrupted.")
                raise
            if report is None:
                ended = await app.rehearse.get(DEMO_ORGANIZATION, asked.id)
                raise Refused(f"The rehearsal is {ended.state.value}. {ended.error or ''}".strip())
            return report, round(perf_counter() - began, 2)

        found: tuple[Report, float] = _with_app(
            data,
            run,
            lambda what, done, total: bar.update(task, description=what, completed=done, total=total or None),
        )
    return found


async def _find(app: App, version: str | None) -> Version:
    known = await app.lab.versions(DEMO_ORGANIZATION, SHOWN)
    if version is None:
        wanted = [one for one in known if one.state is State.LIVE]
    elif len(version) == HASH:
        return (await app.lab.version(DEMO_ORGANIZATION, ContentHash(version)))[0]
    else:
        wanted = [one for one in known if one.hash.startswith(version)]
    if len(wanted) != 1:
        raise NotFoundError("rule_set")
    return wanted[0]


def _with_app(data: Path, run: Any, step: Step = lambda *_: None) -> Any:  # noqa: ANN401  # whatever `run` returns
    async def opened() -> object:
        async with open_app(settings) as app:
            return await run(app)

    with reachable(data, step) as settings:
        return asyncio.run(opened())
