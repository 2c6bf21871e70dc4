"""The command line.

Exit codes: 0 ok, 1 the thing checked is not right, 2 bad usage or input, 3 unavailable.
"""

import asyncio
import logging
from pathlib import Path
from typing import Annotated
from uuid import UUID

import msgspec
import structlog
import typer

from domain.conversation import TIERS
from domain.errors import DataFileError
from entrypoints.cli.checkers import apex, explain, soql
from entrypoints.cli.lab import DEFAULT_DATA, Data, Json, lab
from entrypoints.cli.measuring import bench, evaluation
from entrypoints.cli.output import (
    BAD_INPUT,
    NOT_RIGHT,
    errors_to_exit_codes,
    people,
    progress,
    show_json,
)
from entrypoints.cli.policy import policy
from entrypoints.cli.training import training
from entrypoints.settings import read, read_api_access
from entrypoints.version import VERSION

app = typer.Typer(
    name="casepilot",
    help="Casepilot: an AI customer-service agent for Salesforce support that can prove its answers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.add_typer(bench, name="bench")
app.add_typer(evaluation, name="eval")
app.add_typer(lab, name="rules")
app.add_typer(training, name="nlu")
app.add_typer(policy, name="policy")
app.command()(soql)
app.command()(apex)
app.command()(explain)


def _version(wanted: bool) -> None:  # noqa: FBT001  # typer calls it with the flag
    if wanted:
        typer.echo(f"casepilot {VERSION}")
        raise typer.Exit


@app.callback()
def setup(
    version: Annotated[  # noqa: ARG001  # its callback does the work
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Casepilot: an AI customer-service agent for Salesforce support that can prove its answers."""
    logging.basicConfig(level=logging.ERROR)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ]
    )


@app.command()
def up(
    data: Data = DEFAULT_DATA,
    port: Annotated[int, typer.Option(help="Port of the API and the chat page.", min=1, max=65_535)] = 8000,
    dashboard_port: Annotated[int, typer.Option(help="Port of the dashboard.", min=1, max=65_535)] = 8501,
    no_dashboard: Annotated[bool, typer.Option("--no-dashboard", help="Leave the dashboard out.")] = False,
    as_json: Json = False,
) -> None:
    """Run everything on this machine, with servers of its own, until Ctrl-C."""
    from entrypoints.cli.up import up as run

    with errors_to_exit_codes():
        run(data, port, None if no_dashboard else dashboard_port, as_json=as_json)


@app.command()
def ask(
    text: Annotated[str, typer.Argument(help="The question.")],
    data: Data = DEFAULT_DATA,
    tier: Annotated[str | None, typer.Option(help=f"The customer's tier: {', '.join(TIERS)}.")] = None,
    as_json: Json = False,
) -> None:
    """Ask one question, through the whole turn, on a running `casepilot up` or for itself."""
    from entrypoints.cli.ask import ask as run
    from entrypoints.cli.ask import print_answer
    from entrypoints.embedded import reachable
    from ports.inbound.answer import Answer

    with errors_to_exit_codes():
        if tier is not None and tier not in TIERS:
            raise DataFileError("bad_tier", f"'{tier}' is no tier; choose one of {', '.join(TIERS)}.")
        with progress() as bar:
            task = bar.add_task("Starting", total=None)
            with reachable(
                data,
                lambda what, done, total: bar.update(
                    task, description=what, completed=done, total=total or None
                ),
            ) as settings:
                bar.stop()
                answer = asyncio.run(run(settings, text, tier))
        if as_json:
            typer.echo(answer.decode())
        else:
            print_answer(msgspec.json.decode(answer, type=Answer))


@app.command()
def confidence(
    questions: Annotated[
        Path | None, typer.Option("--questions", help="JSONL: question, must_contain; else our own.")
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="File for the diagram, SVG.")] = None,
    labels: Annotated[Path | None, typer.Option(help="File for each label's confidence, JSONL.")] = None,
    rated: Annotated[bool, typer.Option("--rated", help="Count customers' ratings as labels too.")] = False,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Fit how sure answers are on labelled questions, and what an error budget buys."""
    from adapters.starter.loader import DATA
    from entrypoints.cli import calibrate
    from entrypoints.cli.answers import read_questions
    from entrypoints.embedded import DEMO_ORGANIZATION, reachable

    with errors_to_exit_codes():
        asked = read_questions(questions or DATA / "evaluation" / "confidence.jsonl")
        with reachable(data, lambda *_: None) as settings:
            found = asyncio.run(calibrate.fit(settings, DEMO_ORGANIZATION, asked, rated=rated))
        if picture is not None:
            picture.write_text(calibrate.drawn(found), encoding="utf-8")
        if labels is not None:
            labels.write_text(calibrate.listed(found), encoding="utf-8")
        if as_json:
            show_json(found)
        else:
            calibrate.print_report(found)


@app.command()
def replay(
    turn: Annotated[UUID, typer.Argument(help="The message: the customer's, or our reply.")],
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Decide a past turn again from its receipt; exit 1 if it comes out differently."""
    from entrypoints.cli.replay import print_replay
    from entrypoints.cli.replay import replay as run
    from entrypoints.embedded import reachable

    with errors_to_exit_codes():
        with reachable(data, lambda *_: None) as settings:
            found = asyncio.run(run(settings, turn))
        if as_json:
            show_json(found)
        else:
            print_replay(found)
    if not found.same:
        raise typer.Exit(NOT_RIGHT)


@app.command()
def ingest(  # noqa: PLR0913, PLR0917  # one parameter an option
    paths: Annotated[list[str], typer.Argument(help="Documents, archives, folders, or web addresses.")],
    data: Data = DEFAULT_DATA,
    category: Annotated[str | None, typer.Option(help="Category for all of them.")] = None,
    product: Annotated[str | None, typer.Option(help="Product for all of them.")] = None,
    api_version: Annotated[str | None, typer.Option(help="API versions they apply to, like '>=60'.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="More, like language=de or groups=a,b.")] = None,
    sync: Annotated[bool, typer.Option("--sync", help="Forget what is gone from these folders.")] = False,
    as_json: Json = False,
) -> None:
    """Take documents into knowledge, and say what was skipped.

    Markdown, text, HTML, PDF, Word, CSV, JSONL, ZIP of these, http(s) addresses of
    pages or sitemaps, and salesforce://HOST for the published articles of an org.
    """
    from entrypoints.cli.ingest import ingest as run
    from entrypoints.cli.ingest import labelled, print_report

    with errors_to_exit_codes():
        labels = labelled(label or [], category=category, product=product, api_versions=api_version)
        found = run(paths, data, labels, sync=sync)
        if as_json:
            show_json(found)
        else:
            print_report(found)
    if not found.added + found.replaced + found.unchanged:
        raise typer.Exit(BAD_INPUT)


@app.command()
def api(
    workers: Annotated[int, typer.Option(help="Processes.", min=1)] = 1,
) -> None:
    """Serve the HTTP API; settings come from the environment."""
    from entrypoints.api.serve import serve

    with errors_to_exit_codes():
        serve(read(), workers)


@app.command()
def worker() -> None:
    """Run jobs; settings come from the environment."""
    from entrypoints.worker import run

    with errors_to_exit_codes():
        run(read())


@app.command()
def scheduler() -> None:
    """Relay events and find what is overdue; settings come from the environment."""
    from entrypoints.scheduler import run

    with errors_to_exit_codes():
        asyncio.run(run(read()))


@app.command()
def migrate(
    revision: Annotated[str, typer.Argument(help="Where to go: head, base, or steps like -1.")] = "head",
    as_json: Json = False,
) -> None:
    """Bring the database to a schema revision, as its owner (CASEPILOT_OWNER_URL)."""
    from adapters.postgres.migrate import migrate as run

    with errors_to_exit_codes():
        arrived = asyncio.run(run(read().migrations_url, revision))
        if as_json:
            show_json({"revision": arrived})
        else:
            people.print(f"The schema is at revision {arrived}.")


@app.command()
def dashboard(
    port: Annotated[int, typer.Option(help="Port of the dashboard.", min=1, max=65_535)] = 8501,
) -> None:
    """Serve the dashboard for the API at CASEPILOT_API_URL with CASEPILOT_API_KEY."""
    from entrypoints.cli.dashboard import dashboard as run

    with errors_to_exit_codes():
        run(read_api_access(), port)


def main() -> None:
    """The `casepilot` command."""
    app()
