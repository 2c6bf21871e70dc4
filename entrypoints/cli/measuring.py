"""`casepilot bench` and `casepilot eval`: speed and quality, measured."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from entrypoints.cli.lab import DEFAULT_DATA, Data, Json
from entrypoints.cli.output import NOT_RIGHT, errors_to_exit_codes, progress, show, show_json

bench = typer.Typer(help="Measure speed, next to named baselines in the same run.", no_args_is_help=True)
evaluation = typer.Typer(help="Measure on data in public formats.", no_args_is_help=True)


@bench.command()
def turn(as_json: Json = False) -> None:
    """A whole turn, next to a floor and to the customer's own message path."""
    from entrypoints.cli.bench import bench_turn

    with errors_to_exit_codes():
        bench_turn(as_json=as_json)


@bench.command("rules")
def bench_rules(as_json: Json = False) -> None:
    """The rules engine, next to loops over lambdas and over datalogic rules."""
    from entrypoints.cli.bench import bench_rules as run

    with errors_to_exit_codes():
        run(as_json=as_json)


@evaluation.command("nlu")
def eval_nlu(
    data: Annotated[Path, typer.Option("--data", help="A file in CLINC150's format: data_full.json.")],
    shots: Annotated[int | None, typer.Option(help="Training utterances an intent; else all.", min=5)] = None,
    cache: Annotated[Path, typer.Option(help="Folder of the embedding model.")] = DEFAULT_DATA / "models",
    as_json: Json = False,
) -> None:
    """Train on a data set's training part with the product's method, and measure on its test part."""
    from entrypoints.cli import nlu

    with errors_to_exit_codes():
        found = nlu.evaluate(data, shots, cache)
        if as_json:
            show_json(found)
        else:
            nlu.print_report(found)


@evaluation.command("retrieval")
def eval_retrieval(
    data: Annotated[Path, typer.Option("--data", help="A folder in BEIR's format: corpus, queries, qrels.")],
    split: Annotated[str, typer.Option(help="The judgements, qrels/SPLIT.tsv.")] = "test",
    cache: Annotated[Path, typer.Option(help="Folder of the embedding model.")] = DEFAULT_DATA / "models",
    as_json: Json = False,
) -> None:
    """Ranking quality of words, of meaning and of both on a judged collection."""
    from entrypoints.cli import retrieval

    with errors_to_exit_codes():
        found = retrieval.evaluate(data, split, cache)
        if as_json:
            show_json(found)
        else:
            retrieval.print_table(found)


@evaluation.command("code")
def eval_code(
    problems: Annotated[
        Path | None, typer.Option("--problems", help="JSONL: id, kind, text, expected; else our own.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check problems that people paste (Apex, SOQL, answers of APIs, logs): is the right finding first?"""
    from entrypoints.cli import code_eval

    with errors_to_exit_codes():
        found = code_eval.evaluate(code_eval.read_problems(problems))
        if as_json:
            show_json(found)
        else:
            code_eval.print_report(found)


@bench.command("retrieval")
def bench_retrieval(as_json: Json = False) -> None:
    """BM25 next to rank_bm25 and bm25s, and hybrid search, at 10,000 and 100,000 passages."""
    from entrypoints.cli.bench import bench_retrieval as run

    with errors_to_exit_codes():
        run(as_json)


@evaluation.command("answers")
def eval_answers(
    questions: Annotated[
        Path | None,
        typer.Option("--questions", help="JSONL: question, must_contain, expected; else our own."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File for one JSON object a question.")] = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Ask questions through the whole turn, and measure what the answers are worth."""
    from adapters.starter.loader import DATA
    from entrypoints.cli import answers
    from entrypoints.embedded import DEMO_ORGANIZATION, reachable

    with errors_to_exit_codes():
        asked = answers.read_questions(questions or DATA / "evaluation" / "questions.jsonl")
        with progress() as bar:
            task = bar.add_task("Starting", total=None)
            with reachable(data, lambda what, _done, _total: bar.update(task, description=what)) as settings:
                bar.stop()
                found = asyncio.run(answers.evaluate(settings, DEMO_ORGANIZATION, asked, out))
        if as_json:
            show_json(found)
        else:
            answers.print_report(found)


@evaluation.command("understanding")
def eval_understanding(
    cache: Annotated[Path, typer.Option(help="Folder of models.")] = DEFAULT_DATA / "models",
    as_json: Json = False,
) -> None:
    """Entities, sentiment, emotion and language on messages written apart from the rules."""
    from entrypoints.cli.understanding import evaluate, print_report

    with errors_to_exit_codes():
        found = evaluate(cache)
        if as_json:
            show_json(found)
        else:
            print_report(found)


@evaluation.command("redaction")
def eval_redaction(
    data: Annotated[Path | None, typer.Option("--data", help="JSONL: text, spans; else our own.")] = None,
    as_json: Json = False,
) -> None:
    """What of personal data is hidden from models outside, by kind, on labelled lines."""
    from entrypoints.cli.redaction import evaluate, print_report, read_labelled

    with errors_to_exit_codes():
        found = evaluate(read_labelled(data))
        if as_json:
            show_json(found)
        else:
            print_report(found)


@evaluation.command("rules")
def eval_rules(
    data: Annotated[Path, typer.Option("--data", help="JsonLogic's tests.json.")], as_json: Json = False
) -> None:
    """The official JSON-logic tests, through the import path; exit 1 if one fails."""
    from entrypoints.cli.evaluate import evaluate_rules

    with errors_to_exit_codes():
        found = evaluate_rules(data)
    tree = found["typed_tree"]
    if as_json:
        show_json(found)
    else:
        show(f"{found['passed']} of {found['total']} official tests pass.")
        show(f"The typed tree can say {tree['expressible']} of them and agrees on {tree['agree']}.")
    if found["passed"] != found["total"] or tree["agree"] != tree["expressible"]:
        raise typer.Exit(NOT_RIGHT)
