"""`casepilot bench`: measurements next to named baselines, which live in the repository alone."""

import importlib
import importlib.util
from typing import Any

from entrypoints.cli.output import progress, show, show_json
from ports.errors import Refused

TOOLS = ("fastapi", "uvicorn")
"""What the baselines need and Casepilot does not."""
SERVERS = {
    "turn": "Casepilot, a whole turn",
    "turn_new_questions": "  every question new",
    "floor": "floor: same stack, two statements",
    "prd": "prd: the customer's path, no AI",
}


def bench_turn(as_json: bool) -> None:  # noqa: FBT001  # the command's own flag
    """Measure turns a second and print them. Raises `Refused` outside a checkout, and `Unavailable`."""
    if any(importlib.util.find_spec(tool) is None for tool in TOOLS):
        raise Refused("The baselines need the development tools: run `make bench` in the repository.")
    found = _measured("turn")
    if as_json:
        show_json(found)
    else:
        _table(found)


def bench_rules(as_json: bool) -> None:  # noqa: FBT001  # the command's own flag
    """Measure the rules engine and print it. Raises `Refused` outside a checkout."""
    found = _measured("rules")
    if as_json:
        show_json(found)
        return
    for size in (1_000, 10_000):
        one = found[f"rules_{size}"]
        show(f"{size:,} rules, compiled in {one['build_ms']:.0f} ms")
        for name, spent in one["microseconds"].items():
            ratio = found.get(f"{name}_vs_lambdas_{size}")
            times = (
                "the baseline" if ratio is None or name == "lambdas" else f"{ratio:g} times a loop of lambdas"
            )
            show(f"  {name.replace('_', ' '):<14}{spent:>10,.1f} us a turn   {times}")
    replay = found["backtest"]
    show(
        f"Backtest of {replay['rules']:,} rules over {replay['turns']:,} turns, live rules included:"
        f" {replay['seconds_beside_starter_rules']:.1f} s beside the starter rules;"
        f" {replay['seconds']:.1f} s beside {replay['rules']:,} others,"
        f" {found['backtest_vs_lambdas']:g} times a loop of lambdas"
    )


def bench_retrieval(as_json: bool) -> None:  # noqa: FBT001  # the command's own flag
    """Measure search and print it. Raises `Refused` outside a checkout."""
    if importlib.util.find_spec("bm25s") is None:
        raise Refused("The baselines need the development tools: run `make bench` in the repository.")
    found = _measured("retrieval")
    if as_json:
        show_json(found)
        return
    for size in (10_000, 100_000):
        one = found[f"passages_{size}"]
        ms = one["ms"]
        show(f"{size:,} passages")
        show(f"  BM25       {ms['casepilot']:.2f} ms; built in {one['build_s']:.1f} s, {one['memory_mb']} MB")
        show(f"  bm25s      {ms['bm25s']:.2f} ms, {one['vs_bm25s']:g} times ours")
        show(f"  rank_bm25  {ms['rank_bm25']:.1f} ms, {one['vs_rank_bm25']:g} times ours")
        show(
            f"  hybrid     {one['hybrid_ms']:.1f} ms with the question's embedding;"
            f" built in {one['hybrid_build_s']:.1f} s, {one['hybrid_memory_mb']} MB more"
        )


def _measured(name: str) -> dict[str, Any]:
    """Run a benchmark of ops/bench, with a progress bar."""
    try:
        module = importlib.import_module(f"ops.bench.{name}")
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("ops"):
            raise
        raise Refused(
            "The benchmarks are in the repository, not in the package: run `make bench` in a clone."
        ) from error
    with progress() as bar:
        task = bar.add_task("Starting", total=None)
        found: dict[str, Any] = module.run(
            lambda what, done, total: bar.update(task, description=what, completed=done, total=total or None)
        )
    return found


def _table(found: dict[str, Any]) -> None:
    """The figures for people."""
    show(f"{'':<36}{'per s':>9}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms':>9}")
    for name, label in SERVERS.items():
        row = found[name]
        show(
            f"{label:<36}{row['per_s']:>9.1f}{row['p50_ms']:>9.1f}{row['p99_ms']:>9.1f}{row['cpu_ms']:>9.2f}"
        )
    half = found["turn_half_load"]
    show(f"{'  at half of its own throughput':<45}{half['p50_ms']:>9.1f}{half['p99_ms']:>9.1f}")
    show(
        f"\nA whole turn is {found['turn_vs_prd']:.2f} times the customer's empty path"
        f" and {found['turn_vs_floor']:.1%} of the floor."
        f"\nThe 200th turn of a conversation takes {found['turn_200_vs_10']:.2f} times its 10th."
        f"\n{found['distinct_questions']:.1%} of the questions were distinct;"
        f" {found['escalated']:.1%} went to people;"
        f" CPU is the server's, an answer; {found['seconds']:.0f} s in all."
    )
