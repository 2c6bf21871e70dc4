"""Readable output for people, JSON for machines, and exit codes for scripts."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from domain.errors import DomainError
from ports.errors import WorldError

NOT_RIGHT, BAD_INPUT, UNAVAILABLE = 1, 2, 3
"""Exit codes beside 0: the thing checked is not right, bad usage or input, something is unavailable."""

people = Console(stderr=True, highlight=False)
"""Where people read; standard output is for results."""


results = Console(highlight=False)
"""Where tables of results go."""


def show(text: str) -> None:
    """Print a result for people."""
    sys.stdout.write(text + "\n")


def show_json(value: object) -> None:
    """Print one line of JSON."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


@contextmanager
def errors_to_exit_codes() -> Iterator[None]:
    """Turn expected failures into one line on standard error and an exit code. Bugs stay loud."""
    try:
        yield
    except DomainError as error:
        complain(error)
        sys.exit(BAD_INPUT)
    except WorldError as error:
        complain(error)
        sys.exit(UNAVAILABLE)
    except KeyboardInterrupt:
        sys.exit(130)


def progress() -> Progress:
    """A progress bar on standard error; silent where that is no terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=people,
        transient=True,
        disable=not people.is_terminal,
    )


def complain(error: object) -> None:
    """One line on standard error."""
    people.print(f"[bold red]error:[/] {str(error).replace('[', chr(92) + '[')}", soft_wrap=True)
