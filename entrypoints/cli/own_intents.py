"""`casepilot nlu add`: a tenant's own intents from files, and a training with them."""

import asyncio
import getpass
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from domain.errors import DataFileError
from domain.nlu.own import OwnIntent
from entrypoints.bootstrap import App, open_app
from entrypoints.cli.output import progress, show
from entrypoints.embedded import DEMO_ORGANIZATION, reachable
from ports.inbound.approval import Who
from ports.outbound.intents import Training, TrainingState


def add(files: list[Path], data: Path, *, train: bool) -> dict[str, Any]:
    """Store the intents of the files, and train with them if asked. Raises `DataFileError`."""
    intents = [intent for file in files for intent in read_intents(file)]
    who = Who(DEMO_ORGANIZATION, getpass.getuser())
    with progress() as bar:
        task = bar.add_task("Starting", total=None)

        async def step(done: int) -> bool:
            bar.update(task, description="Training", completed=done)
            return True

        async def run(app: App) -> Training | None:
            for intent in intents:
                await app.train.put(who, intent)
            if not train:
                return None
            asked = await app.train.ask(who, TrainingState.RUNNING)
            try:
                await app.train.run(DEMO_ORGANIZATION, asked.id, step)
            except BaseException:  # an interrupted one is no running one
                await app.train.give_up(DEMO_ORGANIZATION, asked.id, "It was interrupted.")
                raise
            return await app.train.get(DEMO_ORGANIZATION, asked.id)

        async def opened() -> Training | None:
            async with open_app(settings) as app:
                return await run(app)

        with reachable(data, lambda what, *_: bar.update(task, description=what)) as settings:
            training = asyncio.run(opened())
    return {"intents": [one.name for one in intents], "training": msgspec.to_builtins(training)}


def read_intents(path: Path) -> list[OwnIntent]:
    """The `[[intent]]` tables of a TOML file. Raises `DataFileError` naming the file."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        return msgspec.convert(found.get("intent", []), list[OwnIntent])
    except OSError as error:
        raise DataFileError("unreadable", f"{path}: {error.strerror or error}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise DataFileError("bad_file", f"{path}: {error}; [[intent]] tables are expected.") from error


def print_report(found: dict[str, Any]) -> None:
    """What was stored, and the training's before and after."""
    show(f"Stored {len(found['intents'])}: {', '.join(found['intents'])}")
    training = found["training"]
    if training is None:
        show("They are understood after a training: add --train, or POST /api/v1/intents/trainings.")
        return
    report = training["report"]
    for name, one in (("own tests", report["own"]), ("everybody's tests", report["everybody"])):
        if one:
            right = f"{one['before']['accuracy']:.1f}% right before, {one['after']['accuracy']:.1f}% after"
            show(f"{name}: {right} ({one['messages']:,} messages)")
    show(f"{training['state']}: {report['reason']}")
