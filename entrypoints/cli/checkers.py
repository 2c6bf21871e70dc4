"""The commands that check code."""

from pathlib import Path
from typing import Annotated

import typer

from entrypoints.cli.lab import Json
from entrypoints.cli.output import NOT_RIGHT, errors_to_exit_codes

Described = Annotated[
    list[Path] | None,
    typer.Option("--describe", help="Describe of an object of your org (JSON), or a folder of them."),
]


def soql(
    query: Annotated[str | None, typer.Argument(help="A query, or a file of them.")] = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="One query a line, or JSONL with q; - for standard input.")
    ] = None,
    in_apex: Annotated[
        bool, typer.Option("--in-apex", help="As in Apex code, where :variables and ALL ROWS may stand.")
    ] = False,
    describe: Described = None,
    as_json: Json = False,
) -> None:
    """Check SOQL: grammar, rules, names, values, cost. Exit 1 if an error is found."""
    from domain.errors import DataFileError
    from entrypoints.cli.check import asked_for, judged_query, queries_of, report, schema_with

    with errors_to_exit_codes():
        if query is None and file is None:
            raise DataFileError("bad_usage", "write a query, or name a file of them with --file.")
        schema = schema_with(describe or [])
        asked = list(queries_of(file)) if file else asked_for(query or "")
        found = [judged_query(one, schema, in_apex=in_apex) for one in asked]
        fine = report(found, as_json=as_json)
    if not fine:
        raise typer.Exit(NOT_RIGHT)


def apex(
    files: Annotated[list[Path], typer.Argument(help="Classes, triggers or snippets; - for standard input.")],
    api_version: Annotated[
        int | None, typer.Option("--api-version", help="Of the class; else that of its -meta.xml, or 67.")
    ] = None,
    describe: Described = None,
    as_json: Json = False,
) -> None:
    """Check Apex: syntax, limits, security, tests, names. Exit 1 if an error is found."""
    from adapters.starter.salesforce import apex_library
    from domain.salesforce.apex.check import check_apex
    from domain.salesforce.checking import checked
    from entrypoints.cli.check import code_of, report, schema_with, version_of

    with errors_to_exit_codes():
        schema = schema_with(describe or [])
        found = [
            checked(
                check_apex(code_of(one), schema, apex_library(), api_version or version_of(one)),
                file=str(one),
            )
            for one in files
        ]
        fine = report(found, as_json=as_json)
    if not fine:
        raise typer.Exit(NOT_RIGHT)


def explain(
    text: Annotated[str, typer.Argument(help="An error, or a file with one; - for standard input.")],
    as_json: Json = False,
) -> None:
    """Explain an error of Salesforce: an answer of an API, a stack trace, a log. Exit 1 if none is known."""
    from adapters.starter.salesforce import error_causes
    from domain.salesforce.errors import explained
    from entrypoints.cli.check import pasted, report_errors

    with errors_to_exit_codes():
        found = explained(pasted(text), error_causes())
        report_errors(found, as_json=as_json)
    if not found:
        raise typer.Exit(NOT_RIGHT)
