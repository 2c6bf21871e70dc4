"""The commands of the rule lab."""

from pathlib import Path
from typing import Annotated

import typer

from entrypoints.cli.output import NOT_RIGHT, errors_to_exit_codes, show, show_json

lab = typer.Typer(
    help="The rule lab: check, test, analyse, rehearse and explain rules. Files are YAML or JSON.",
    no_args_is_help=True,
)

Data = Annotated[
    Path,
    typer.Option("--data", help="Folder of the embedded servers and their data.", envvar="CASEPILOT_DATA"),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
DEFAULT_DATA = Path(".casepilot")
File = Annotated[Path, typer.Argument(help="A rule file, YAML or JSON.")]
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
    prove: Annotated[
        bool, typer.Option("--prove", help="Decide what boxes leave open with z3 (extra 'prove').")
    ] = False,
    timeout: Annotated[float, typer.Option(help="Seconds for each question to z3.", min=0.001)] = 5.0,
    as_json: Json = False,
) -> None:
    """Find rules that never fire, clash or are shadowed, and gaps; exit 1 for what bars publishing."""
    from entrypoints.cli import rules

    with errors_to_exit_codes():
        past = rules.read_turns(turns) if turns else []
        ruleset = rules.load(file)
        prover = rules.prover(ruleset.schema, timeout) if prove else None
        findings = rules.analysed(ruleset, past, prover)
        _exit_unless(rules.show_analysis(findings, overlaps=overlaps, as_json=as_json))


@lab.command()
def backtest(
    file: File,
    turns: Turns = None,
    live: Annotated[
        Path | None, typer.Option(help="With --turns: the rules to compare with; else the starter rules.")
    ] = None,
    staffing: Annotated[
        Path | None, typer.Option(help="Handovers an hour that each queue's people can answer.")
    ] = None,
    days: Annotated[int, typer.Option(help="Without --turns: stored turns of so many days.", min=1)] = 90,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Replay past turns, stored ones or a file's, under these rules and the live ones, and compare."""
    from entrypoints.cli import live_rules, rules

    with errors_to_exit_codes():
        if turns is None:
            found = live_rules.rehearse(data, file, days, rules.read_staffing(staffing))
        else:
            past = rules.read_turns(turns)
            found = rules.rehearse(rules.load(file), rules.load(live), past, rules.read_staffing(staffing))
        rules.show_report(*found, as_json=as_json)


@lab.command()
def versions(data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """List the stored versions with their state, newest first."""
    from entrypoints.cli import live_rules

    with errors_to_exit_codes():
        live_rules.versions(data, as_json=as_json)


@lab.command()
def publish(
    version: Annotated[str, typer.Argument(help="A content hash, or its beginning.")],
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Approve somebody else's version and make it live, or go back to one that was live before."""
    from entrypoints.cli import live_rules

    with errors_to_exit_codes():
        found = live_rules.publish(data, version)
        if as_json:
            show_json(found)
        else:
            show(f"version {found.hash} is {found.state.value}")


@lab.command()
def export(
    version: Annotated[
        str | None, typer.Option(help="A content hash or its beginning; else what is live.")
    ] = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Print a stored version as a YAML file for git."""
    from entrypoints.cli import live_rules

    with errors_to_exit_codes():
        show(live_rules.export(data, version).rstrip())


@lab.command("import")
def take(
    file: File,
    title: Annotated[str | None, typer.Option(help="The draft's title; else the file's name.")] = None,
    submit: Annotated[str | None, typer.Option(help="Submit it for approval, with this note.")] = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Keep a rule file as a draft, right or not; with --submit as a version that awaits approval."""
    from entrypoints.cli import live_rules

    with errors_to_exit_codes():
        found = live_rules.take(data, file, title, submit)
        if as_json:
            show_json(found)
        else:
            show(", ".join(f"{name} {value}" for name, value in found.items()))


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
