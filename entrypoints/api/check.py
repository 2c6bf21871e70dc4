"""Checking Apex and SOQL; nothing is kept or run."""

from typing import Annotated, Literal

from litestar import Controller, post
from litestar.params import JSONBody
from litestar.status_codes import HTTP_200_OK
from msgspec import Meta, Struct
from msgspec.structs import replace

from adapters.starter.salesforce import apex_library, error_causes, standard_schema
from domain.salesforce.apex.check import check_apex
from domain.salesforce.checking import Checked, checked
from domain.salesforce.errors import Explained, explained
from domain.salesforce.soql.check import LATEST, check_soql, corrected
from entrypoints.api.auth import needs
from entrypoints.api.conversations import PUT_ERRORS


class Apex(Struct, frozen=True, forbid_unknown_fields=True):
    """A class, a trigger, members or statements, of an API version."""

    code: str
    api_version: Annotated[int, Meta(ge=1, le=999)] = LATEST


class Soql(Struct, frozen=True, forbid_unknown_fields=True):
    """A query as the API takes it, or within Apex, where variables and ALL ROWS may stand."""

    query: str
    within: Literal["api", "apex"] = "api"


class Pasted(Struct, frozen=True, forbid_unknown_fields=True):
    """A text that an error is in: an answer of an API, a stack trace, a log."""

    text: str


class Errors(Struct, frozen=True):
    """The errors that were found, the likely cause of all first."""

    errors: tuple[Explained, ...]


class CheckController(Controller):
    """What is wrong with code."""

    path = "/api/v1/check"
    tags = ["check"]  # noqa: RUF012  # Litestar types it as an instance's
    guards = [needs("chat")]  # noqa: RUF012  # as above

    @post(
        "/apex", operation_id="checkApex", status_code=HTTP_200_OK, responses=PUT_ERRORS, sync_to_thread=True
    )
    def apex(self, data: JSONBody[Apex]) -> Checked:
        """Check Apex: syntax, standard names, limits in loops, security, tests."""
        return checked(check_apex(data.code, standard_schema(), apex_library(), data.api_version))

    @post(
        "/soql", operation_id="checkSoql", status_code=HTTP_200_OK, responses=PUT_ERRORS, sync_to_thread=True
    )
    def soql(self, data: JSONBody[Soql]) -> Checked:
        """Check SOQL: grammar, rules, standard names, values, cost."""
        schema, in_apex = standard_schema(), data.within == "apex"
        found = checked(check_soql(data.query, schema, in_apex=in_apex))
        return found if found.ok else replace(found, corrected=corrected(data.query, schema, in_apex=in_apex))

    @post(
        "/error",
        operation_id="explainError",
        status_code=HTTP_200_OK,
        responses=PUT_ERRORS,
        sync_to_thread=True,
    )
    def error(self, data: JSONBody[Pasted]) -> Errors:
        """Explain the errors of a pasted text: cause, mend, what to ask for."""
        return Errors(explained(data.text, error_causes()))
