"""`casepilot policy`: how many answers may be wrong, what models may cost, and what that buys."""

import asyncio
import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from domain.calibration import Budget
from domain.ids import OrganizationId
from domain.policy import AnswerPolicy, Below
from entrypoints.cli.lab import DEFAULT_DATA, Data, Json
from entrypoints.cli.output import errors_to_exit_codes, show, show_json
from ports.inbound.answer_policy import Calibrated
from ports.inbound.approval import Who

policy = typer.Typer(help="How many answers may be wrong, and what models may cost.", no_args_is_help=True)


@policy.command("show")
def show_policy(data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """The policy in force, how far confidence can be believed, and what error budgets buy."""
    with errors_to_exit_codes():
        found, known, cost = _run(data, None)
        if as_json:
            show_json({"policy": found, "calibration": known, "cost_30_days": cost})
        else:
            _print(found)
            show(f"models cost {cost:.2f} US dollars in the last 30 days")
            show(f"\n{known.labels} labelled answers ({known.rated} rated by customers):")
            show(f"ECE {100 * known.ece:.1f}, Brier {known.brier:.3f}")
            print_budgets(known.bought)


@policy.command("set")
def set_policy(
    error_budget: Annotated[
        float | None, typer.Option(help="Share of all questions that may be answered wrongly, as 0.05.")
    ] = None,
    below: Annotated[Below, typer.Option(help="What becomes of less sure answers.")] = Below.CLARIFY,
    models: Annotated[list[str] | None, typer.Option(help="Routes that may write: local, openai.")] = None,
    daily_cost: Annotated[float | None, typer.Option(help="US dollars a day for models.")] = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Set the whole policy; what is left out is not limited."""
    wanted = AnswerPolicy(error_budget, 0.0, below, tuple(models) if models else None, daily_cost)
    with errors_to_exit_codes():
        found, _, _ = _run(data, wanted)
        if as_json:
            show_json(found)
        else:
            _print(found)


def print_budgets(bought: Sequence[Budget]) -> None:
    """What error budgets buy, as a table."""
    show(f"\n{'wrong at most':<15}{'threshold':>10}{'answered':>24}{'wrong among them':>26}")
    for one in bought:
        covered = f"{one.coverage:.0%} ({one.coverage_low:.0%} to {one.coverage_high:.0%})"
        wrong = f"{one.wrong:.0%} ({one.wrong_low:.0%} to {one.wrong_high:.0%})"
        show(f"  {one.budget:<13.0%}{one.threshold:>10.3f}{covered:>24}{wrong:>26}")


def _print(found: AnswerPolicy) -> None:
    if found.error_budget is None:
        show("no error budget: every supported answer is given")
    elif found.threshold > 1:
        show(f"at most {found.error_budget:.1%} wrong: no confidence keeps that, so nothing is answered")
    else:
        then = {Below.CLARIFY: "a question", Below.REVIEW: "a review", Below.PERSON: "a person"}[found.below]
        kept = f"answers from {found.threshold:.0%} confidence on"
        show(f"at most {found.error_budget:.1%} wrong: {kept}, else {then}")
    show(f"models: {', '.join(found.models) if found.models is not None else 'all that are set up'}")
    show(f"a day: {'no limit' if found.daily_cost is None else f'{found.daily_cost:.2f} US dollars'}")


def _run(data: Path, wanted: AnswerPolicy | None) -> tuple[AnswerPolicy, Calibrated, float]:
    from entrypoints.bootstrap import open_app
    from entrypoints.embedded import DEMO_ORGANIZATION, reachable

    organization: OrganizationId = DEMO_ORGANIZATION

    async def run() -> tuple[AnswerPolicy, Calibrated, float]:
        async with open_app(settings) as app:
            if wanted is not None:
                await app.policy.put(Who(organization, getpass.getuser()), wanted)
            found, known = await app.policy.get(organization), await app.policy.calibrated(organization)
            return found, known, sum(one.cost for one in await app.policy.spent(organization, 30))

    with reachable(data, lambda *_: None) as settings:
        return asyncio.run(run())
