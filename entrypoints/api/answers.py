"""How sure answers must be, what models may cost, and how far confidence can be believed."""

from typing import Annotated

from litestar import Controller, get, put
from litestar.params import JSONBody, QueryParameter
from msgspec import Struct

from domain.policy import AnswerPolicy, Below
from entrypoints.api.auth import needs
from entrypoints.api.conversations import ERRORS, PUT_ERRORS
from entrypoints.api.rules import ADMIN, Application, Caller, who
from ports.inbound.answer_policy import Calibrated
from ports.outbound.reports import Spent

Days = Annotated[int, QueryParameter(ge=1, le=366, description="Days back from today, UTC.")]


class SetPolicy(Struct, frozen=True, forbid_unknown_fields=True):
    """A policy of answers. Money in US dollars; `models` are routes: local, openai; null for all."""

    error_budget: float | None = None
    below: Below = Below.CLARIFY
    models: tuple[str, ...] | None = None
    daily_cost: float | None = None


class Spending(Struct, frozen=True):
    """What language models cost, by day and model, the newest day first."""

    items: list[Spent]
    total: float


class AnswerController(Controller):
    """The tenant's policy of answers."""

    path = "/api/v1/answers"
    tags = ["answers"]  # noqa: RUF012  # Litestar types it as an instance's
    guards = [needs("agent")]  # noqa: RUF012  # as above

    @get("/policy", operation_id="getAnswerPolicy", responses=ERRORS)
    async def policy(self, request: Caller, app: Application) -> AnswerPolicy:
        """The policy in force, with the confidence from which questions are answered."""
        return await app.policy.get(request.user.organization)

    @put("/policy", operation_id="setAnswerPolicy", responses=PUT_ERRORS, guards=[ADMIN])
    async def set_policy(self, request: Caller, data: JSONBody[SetPolicy], app: Application) -> AnswerPolicy:
        """Set it; the threshold follows from the error budget, by conformal risk control on labels."""
        wanted = AnswerPolicy(data.error_budget, 0.0, data.below, data.models, data.daily_cost)
        return await app.policy.put(who(request), wanted)

    @get("/calibration", operation_id="getCalibration", responses=ERRORS)
    async def calibration(self, request: Caller, app: Application) -> Calibrated:
        """The reliability diagram, and what error budgets buy; the tenant's customers' ratings count too."""
        return await app.policy.calibrated(request.user.organization)

    @get("/spending", operation_id="getSpending", responses=ERRORS)
    async def spending(self, request: Caller, app: Application, days: Days = 30) -> Spending:
        """What language models cost by day."""
        items = list(await app.policy.spent(request.user.organization, days))
        return Spending(items, round(sum(one.cost for one in items), 6))
