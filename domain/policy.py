"""What a tenant allows of answers: how many may be wrong, what happens below that, which models, cost."""

from enum import StrEnum
from math import inf

from msgspec import Struct

from domain.errors import DataFileError
from domain.routing import HOSTED, LOCAL

ROUTES = (LOCAL, HOSTED)


class Below(StrEnum):
    """What becomes of an answer that is less sure than the error budget allows."""

    CLARIFY = "clarify"
    REVIEW = "review"
    PERSON = "person"


class AnswerPolicy(Struct, frozen=True, forbid_unknown_fields=True):
    """One tenant's policy.

    `error_budget` is the share of all questions that may be answered wrongly, `threshold` the confidence that
    was found to keep it, 0 to 1 (above 1: nothing is sure enough). `models` are the routes that may write,
    None for all there are; `daily_cost` is what models may cost a day (UTC), US dollars, None for no limit.
    """

    error_budget: float | None = None
    threshold: float = 0.0
    below: Below = Below.CLARIFY
    models: tuple[str, ...] | None = None
    daily_cost: float | None = None


def checked_policy(policy: AnswerPolicy) -> AnswerPolicy:
    """The policy, or `DataFileError` with what is wrong and the mend."""
    if policy.error_budget is not None and not 0 < policy.error_budget < 1:
        raise DataFileError("bad_error_budget", "error_budget is a share between 0 and 1, as 0.05 for 5%.")
    if policy.daily_cost is not None and not 0 <= policy.daily_cost < inf:
        raise DataFileError("bad_daily_cost", "daily_cost is 0 US dollars or more.")
    unknown = set(policy.models or ()) - set(ROUTES)
    if unknown:
        names = ", ".join(sorted(unknown))
        raise DataFileError("bad_models", f"models are some of {', '.join(ROUTES)}, not {names}.")
    return policy
