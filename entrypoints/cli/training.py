"""The commands that train what understands messages."""

from pathlib import Path
from typing import Annotated

import typer

from entrypoints.cli.lab import DEFAULT_DATA, Data, Json
from entrypoints.cli.output import NOT_RIGHT, errors_to_exit_codes, show_json

training = typer.Typer(help="Train what understands messages.", no_args_is_help=True)


@training.command("add")
def nlu_add(
    files: Annotated[list[Path], typer.Argument(help="TOML files with [[intent]] tables.")],
    data: Data = DEFAULT_DATA,
    train: Annotated[bool, typer.Option("--train", help="Train with them now, half a minute.")] = False,
    as_json: Json = False,
) -> None:
    """Add own intents, or utterances; exit 1 if the training finds the new model worse."""
    from entrypoints.cli import own_intents

    with errors_to_exit_codes():
        found = own_intents.add(files, data, train=train)
        if as_json:
            show_json(found)
        else:
            own_intents.print_report(found)
    if found["training"] and found["training"]["state"] != "live":
        raise typer.Exit(NOT_RIGHT)


@training.command("train")
def nlu_train(
    out: Annotated[Path | None, typer.Option(help="Where to write the model; else into the cache.")] = None,
    cache: Annotated[Path, typer.Option(help="Folder of models.")] = DEFAULT_DATA / "models",
    as_json: Json = False,
) -> None:
    """Train the intent model on the taxonomy and measure it on messages written apart."""
    from entrypoints.cli import nlu

    with errors_to_exit_codes():
        found = nlu.train(cache, out)
        if as_json:
            show_json(found)
        else:
            nlu.print_report(found)
