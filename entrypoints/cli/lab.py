"""The commands of the rule lab."""

from pathlib import Path
from typing import Annotated

import typer

from entrypoints.cli.output import NOT_RIGHT, errors_to_exit_codes, show

lab = typer.Typer(
    help="The rule lab: check, test, analyse, rehearse and explain rules. Files are YAML or JSON.",
    no_args_is_help=True,
)

File = Annotated[Path, typer.Argument(help="A rule file, YAML or JSON.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Turns = Annotated[Path | None, typer.Option(help="Past turns, a JSON line each: id, at, facts.")]


@lab.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Rule files, YAML or JSON.")], as_json: Json = False
) -> None:
    """Say everything that is wrong; exit 1 if something is (fit for a git hook)."""
    from entrypoints.cli import rules

    with errors_to_exit_codes():
        _exit_unless(rules.check(files, as_json=as_json))


@lab.command("test")
def run_examples(file: File, as_json: Json = False) -> None:
    """Run the examples that the rules carry; exit 1 if one fails."""
    from entrypoints.cli import rules

    with errors_to_exit_codes():
        _exit_unless(rules.test(file, as_json=as_json))


@lab.command()
def analyse(
    file: File,
    turns: Turns = None,
    overlaps: Annotated[bool, typer.Option("--overlaps", help="List pairs that can fire together.")] = False,
    as_json: Json = False,
) -> None:
    """Find rules that never fire, clash or are shadowed, and gaps; exit 1 for what bars publishing."""
    from entrypoints.cli import rules

    with errors_to_exit_codes():
        past = rules.read_turns(turns) if turns else []
        _exit_unless(rules.show_analysis(rules.load(file), past, overlaps=overlaps, as_json=as_json))


@lab.command()
def backtest(
    file: File,
    turns: Annotated[Path, typer.Option(help="Past turns, a JSON line each: id, at, facts.")],
    live: Annotated[
        Path | None, typer.Option(help="The rules to compare with; else the starter rules.")
    ] = None,
    staffing: Annotated[
        Path | None, typer.Option(help="Handovers an hour that each queue's people can answer.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Replay past turns under these rules and the live ones, and show what would differ."""
    from entrypoints.cli import rules

    with errors_to_exit_codes():
        rules.rehearse(rules.load(file), rules.load(live), rules.read_turns(turns), staffing, as_json=as_json)


@lab.command()
def explain(
    file: File,
    facts: Annotated[str, typer.Option(help="Facts as JSON, or @FILE.")],
    rule: Annotated[str | None, typer.Option(help="Only this rule, also when it did not fire.")] = None,
    as_json: Json = False,
) -> None:
    """Say which rules fire for some facts, why, and what would have turned one that does not."""
    from entrypoints.cli import rules

    with errors_to_exit_codes():
        rules.explain(rules.load(file), rules.read_facts(facts), rule, as_json=as_json)


@lab.command()
def diff(
    old: Annotated[Path, typer.Argument(help="The earlier rule file.")],
    new: Annotated[Path, typer.Argument(help="The later rule file.")],
    as_json: Json = False,
) -> None:
    """Show what changed, by meaning; exit 1 if something did."""
    from entrypoints.cli import rules

    with errors_to_exit_codes():
        _exit_unless(rules.show_diff(rules.differences(old, new), as_json=as_json))


@lab.command()
def say(file: File, as_json: Json = False) -> None:
    """Print every rule as a sentence."""
    from entrypoints.cli import rules

    with errors_to_exit_codes():
        rules.say(rules.load(file), as_json=as_json)


@lab.command()
def convert(file: File) -> None:
    """Print a rule file as YAML."""
    from entrypoints.cli import rules

    with errors_to_exit_codes():
        show(rules.convert(file).rstrip())


def _exit_unless(right: bool) -> None:  # noqa: FBT001  # its one argument
    if not right:
        raise typer.Exit(NOT_RIGHT)
