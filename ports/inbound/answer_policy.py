"""Set how many answers may be wrong and what models may cost, and see what that buys."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from domain.calibration import Bin, Budget, brier, expected_calibration_error, reliability, within_budget
from domain.ids import OrganizationId
from domain.policy import AnswerPolicy, checked_policy
from ports.inbound.approval import Who
from ports.outbound.audit import Entry
from ports.outbound.clock import Clock
from ports.outbound.labels import Label, Labels
from ports.outbound.reports import Reports, Spent
from ports.outbound.units import Begin

SETTING = "answers"
MAX_RATED = 5_000
BUDGETS = (0.02, 0.05, 0.1, 0.15, 0.2)
"""Error budgets that a table shows beside the one that is set."""


class Calibrated(Struct, frozen=True):
    """How far confidence can be believed, on `labels` of which `rated` are the tenant's own.

    `bought` is what each error budget buys: its threshold and the share answered, with intervals.
    """

    labels: int
    rated: int
    ece: float
    brier: float
    bins: tuple[Bin, ...]
    bought: tuple[Budget, ...]


@dataclass(frozen=True, slots=True)
class AnswerPolicies:
    """The policy of each tenant. `ours` are labels that ship, which the tenant's ratings are added to."""

    begin: Begin
    labels: Labels
    reports: Reports
    clock: Clock
    ours: Sequence[tuple[float, bool]]

    async def get(self, organization: OrganizationId) -> AnswerPolicy:
        """The policy in force."""
        async with self.begin(organization) as unit:
            return policy_of(await unit.settings.get())

    async def put(self, who: Who, policy: AnswerPolicy) -> AnswerPolicy:
        """Set it; the threshold follows from the error budget. Raises `DataFileError`."""
        policy = replace(checked_policy(policy), threshold=0.0)
        if policy.error_budget is not None:
            found = await self.calibrated(who.organization, (policy.error_budget,))
            policy = replace(policy, threshold=round(found.bought[0].threshold, 4))
        async with self.begin(who.organization) as unit:
            await unit.settings.put({SETTING: policy})
            details = msgspec.to_builtins(policy)
            await unit.audit.note(Entry(self.clock.now(), who.actor, "answers.policy", SETTING, details))
            await unit.commit()
        return policy

    async def calibrated(
        self, organization: OrganizationId, budgets: Sequence[float] = BUDGETS
    ) -> Calibrated:
        """How well confidence fits what is known, and what error budgets buy."""
        rated = await self.labels.rated(organization, MAX_RATED)
        return await asyncio.to_thread(_calibrated, self.ours, rated, budgets)

    async def spent(self, organization: OrganizationId, days: int) -> Sequence[Spent]:
        """What models cost, by day and model, the newest day first."""
        return await self.reports.spent(organization, (self.clock.now() - timedelta(days=days)).date())


def policy_of(settings: Mapping[str, object]) -> AnswerPolicy:
    """The policy among a tenant's settings."""
    return msgspec.convert(settings.get(SETTING) or {}, AnswerPolicy)


def _calibrated(
    ours: Sequence[tuple[float, bool]], rated: Sequence[Label], budgets: Sequence[float]
) -> Calibrated:
    pairs = [*ours, *((label.parts.value, label.right) for label in rated)]
    said, right = np.array([one for one, _ in pairs], float), np.array([one for _, one in pairs], bool)
    return Calibrated(
        len(pairs),
        len(rated),
        expected_calibration_error(said, right),
        brier(said, right),
        tuple(reliability(said, right)),
        tuple(within_budget(said, right, budget) for budget in budgets),
    )
