"""Decide a past turn again, from its receipt alone, and say whether it comes to the same."""

import asyncio
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from domain.errors import NotFoundError
from domain.facts import Brain
from domain.ids import MessageId, OrganizationId
from domain.plan import Why
from domain.receipt import Replayed, replayed, unpacked
from domain.rules.trial import InForce
from ports.outbound.intents import ActiveModels
from ports.outbound.receipts import Receipts
from ports.outbound.rulesets import ActiveRules


class _Answer(Struct):
    response: str
    why: Why


@dataclass(frozen=True, slots=True)
class ReplayTurn:
    """No search, no model and no network: what was found and written then is in the receipt."""

    receipts: Receipts
    rules: ActiveRules
    models: ActiveModels
    brain: Brain

    async def __call__(self, organization: OrganizationId, turn: MessageId) -> Replayed:
        """Raises `NotFoundError` without the turn or its receipt, `DataFileError` if it cannot be read."""
        kept = await self.receipts.of(organization, turn)
        if kept.receipt is None:
            raise NotFoundError("receipt")
        receipt, answer = unpacked(kept.receipt), msgspec.json.decode(kept.answer, type=_Answer)
        rules = InForce(
            await self.rules.at(organization, receipt.live),
            receipt.trial,
            await self.rules.at(organization, receipt.trial.candidate) if receipt.trial else None,
        )
        models = await self.models.at(organization, receipt.intents)
        brain = msgspec.structs.replace(self.brain, intents=models.intents)
        return await asyncio.to_thread(replayed, receipt, answer.response, answer.why, rules, brain)
