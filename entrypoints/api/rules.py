"""The rule lab over HTTP: facts, checks, drafts, versions, rehearsals, reasons."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, delete, get, post, put
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, PathParameter, QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED

from adapters.starter.loader import schema
from domain.ids import ContentHash, MessageId
from domain.receipt import Replayed
from domain.rules.diff import Difference
from domain.rules.facts import Fact
from domain.rules.ruleset import parse_ruleset
from entrypoints.api import rule_schemas as wire
from entrypoints.api.auth import needs
from entrypoints.api.conversations import ERRORS, POST_ERRORS, PUT_ERRORS
from entrypoints.bootstrap import App
from ports.inbound.approval import LabSettings, Who
from ports.inbound.rule_lab import Checked, SaveDraft
from ports.inbound.why import Explained, Sweep, Swept, Usage, explained
from ports.outbound.audit import Entry
from ports.outbound.keys import Principal
from ports.outbound.rulesets import Version

Caller = Request[Principal, Any, State]
Application = NamedDependency[App]
DraftPath = Annotated[UUID, PathParameter(description="The draft.")]
VersionPath = Annotated[
    str, PathParameter(description="The version's content hash.", pattern="^[0-9a-f]{64}$")
]
MessagePath = Annotated[UUID, PathParameter(description="The customer's message.")]
Other = Annotated[
    str,
    QueryParameter(description="The content hash of the version to compare with.", pattern="^[0-9a-f]{64}$"),
]
Days = Annotated[int, QueryParameter(ge=1, le=3_650, description="Days back from now.")]
Limit = Annotated[int, QueryParameter(ge=1, le=100, description="Items on the page.")]
READ, WRITE, APPROVE = needs("rules:read"), needs("rules:write"), needs("rules:approve")
ADMIN = needs("admin")


def who(request: Caller) -> Who:
    """Whose rules, and who acts."""
    return Who(request.user.organization, request.user.id)


def encoded(document: object) -> bytes:
    """A document as it is stored."""
    return msgspec.json.encode(document)


def ago(days: int) -> datetime:
    """The moment some days before now."""
    return datetime.now(UTC) - timedelta(days=days)


class FactController(Controller):
    """What rules may speak of."""

    path = "/api/v1/facts"
    tags = ["rules"]  # noqa: RUF012  # Litestar types it as an instance's
    guards = [READ]  # noqa: RUF012  # as above

    @get(operation_id="listFacts", responses=ERRORS, sync_to_thread=False)
    def facts(self) -> list[Fact]:
        """Every fact with kind, range, values and source."""
        return list(schema().facts.values())


class RuleController(Controller):
    """Rules at hand: checking and explaining them; nothing is stored."""

    path = "/api/v1/rules"
    tags = ["rules"]  # noqa: RUF012  # as above
    guards = [READ]  # noqa: RUF012  # as above

    @post("/check", operation_id="checkRules", status_code=HTTP_200_OK, responses=POST_ERRORS)
    async def check(self, data: JSONBody[wire.Document], app: Application) -> Checked:
        """Say everything that is wrong with a rule set, and what its analysis finds."""
        return await app.lab.check(encoded(data.document))

    @post("/explain", operation_id="explainRules", status_code=HTTP_200_OK, responses=POST_ERRORS)
    async def explain(self, data: JSONBody[wire.Explain]) -> Explained:
        """Say what rules make of some facts: one, or those that fire, nearly do, or might."""

        def told() -> Explained:
            ruleset = parse_ruleset(encoded(data.document), "the document", schema())
            return explained(ruleset, data.facts, data.rule)

        return await asyncio.to_thread(told)

    @post("/sweep", operation_id="sweepThreshold", status_code=HTTP_200_OK, responses=POST_ERRORS)
    async def sweep(self, request: Caller, data: JSONBody[wire.SweepThreshold], app: Application) -> Swept:
        """Count how often one rule would have fired in past turns for other values of one threshold."""
        command = Sweep(encoded(data.document), data.rule, data.field, tuple(data.values), ago(data.days))
        return await app.explain.sweep(request.user.organization, command)

    @get("/usage", operation_id="listRuleUsage", responses=ERRORS)
    async def usage(self, request: Caller, app: Application, days: Days = 90) -> list[Usage]:
        """How often each rule of the live set fired; those that never did come first."""
        return list(await app.explain.usage(request.user.organization, ago(days)))

    @get("/turns/{message:uuid}", operation_id="explainTurn", responses=ERRORS)
    async def turn(
        self, request: Caller, message: MessagePath, app: Application, rule: FromQuery[str | None] = None
    ) -> Explained:
        """Say why the answer to a customer's message was decided so, under the version that decided it."""
        return await app.explain.why(request.user.organization, MessageId(message), rule)

    @get("/turns/{message:uuid}/replay", operation_id="replayTurn", responses=ERRORS)
    async def replay(self, request: Caller, message: MessagePath, app: Application) -> Replayed:
        """Decide a turn again from its receipt, with what came out differently; no model is asked."""
        return await app.replay(request.user.organization, MessageId(message))

    @get("/settings", operation_id="getRuleSettings", responses=ERRORS)
    async def settings(self, request: Caller, app: Application) -> LabSettings:
        """Who may approve a version, and the gates before it is published."""
        return await app.lab.settings(request.user.organization)

    @put("/settings", operation_id="setRuleSettings", responses=PUT_ERRORS, guards=[ADMIN])
    async def configure(self, request: Caller, data: JSONBody[LabSettings], app: Application) -> LabSettings:
        """Set them, as an administrator: an approver alone must not loosen them. The change is audited."""
        return await app.lab.configure(who(request), data)


class RuleSetController(Controller):
    """Drafts and versions of the tenant's rules."""

    path = "/api/v1/rulesets"
    tags = ["rules"]  # noqa: RUF012  # as above

    @get(operation_id="listRuleSets", responses=ERRORS, guards=[READ])
    async def versions(self, request: Caller, app: Application, limit: Limit = 20) -> list[Version]:
        """The newest versions, newest first."""
        return list(await app.lab.versions(request.user.organization, limit))

    @get("/audit", operation_id="listRuleChanges", responses=ERRORS, guards=[READ])
    async def trail(self, request: Caller, app: Application, limit: Limit = 20) -> list[Entry]:
        """Who changed what, newest first."""
        return list(await app.lab.trail(request.user.organization, limit))

    @get("/drafts", operation_id="listDrafts", responses=ERRORS, guards=[READ])
    async def drafts(self, request: Caller, app: Application) -> list[wire.Draft]:
        """All drafts, the last saved first."""
        return [wire.shown(draft) for draft in await app.lab.drafts(request.user.organization)]

    @post(
        "/drafts",
        operation_id="createDraft",
        status_code=HTTP_201_CREATED,
        responses=POST_ERRORS,
        guards=[WRITE],
    )
    async def create(self, request: Caller, data: JSONBody[wire.NewDraft], app: Application) -> wire.Draft:
        """Keep a draft, right or not; it is based on the live version unless `parent` says otherwise."""
        parent = ContentHash(data.parent) if data.parent else None
        command = SaveDraft(who(request), data.title, encoded(data.document), parent=parent)
        return wire.shown(await app.lab.save(command))

    @get("/drafts/{draft:uuid}", operation_id="getDraft", responses=ERRORS, guards=[READ])
    async def draft(self, request: Caller, draft: DraftPath, app: Application) -> wire.Draft:
        """One draft."""
        return wire.shown(await app.lab.draft(request.user.organization, draft))

    @put("/drafts/{draft:uuid}", operation_id="saveDraft", responses=PUT_ERRORS, guards=[WRITE])
    async def save(
        self, request: Caller, draft: DraftPath, data: JSONBody[wire.SavedDraft], app: Application
    ) -> wire.Draft:
        """Save over the version that was read; 409 when somebody else saved meanwhile."""
        command = SaveDraft(who(request), data.title, encoded(data.document), draft, data.version)
        return wire.shown(await app.lab.save(command))

    @delete("/drafts/{draft:uuid}", operation_id="discardDraft", responses=ERRORS, guards=[WRITE])
    async def discard(self, request: Caller, draft: DraftPath, app: Application) -> None:
        """Throw a draft away; if there is none, nothing happens."""
        await app.lab.discard(who(request), draft)

    @post(
        "/drafts/{draft:uuid}/submit",
        operation_id="submitDraft",
        status_code=HTTP_201_CREATED,
        responses=POST_ERRORS,
        guards=[WRITE],
    )
    async def submit(
        self, request: Caller, draft: DraftPath, data: JSONBody[wire.Submit], app: Application
    ) -> Version:
        """Make an immutable version of a draft for somebody else to approve; 400 unless nothing bars it."""
        return (await app.lab.submit(who(request), draft, data.note)).version

    @get("/{version:str}", operation_id="getRuleSet", responses=ERRORS, guards=[READ])
    async def version(self, request: Caller, version: VersionPath, app: Application) -> wire.WholeVersion:
        """One version with its rules."""
        found, source = await app.lab.version(request.user.organization, ContentHash(version))
        return wire.WholeVersion(found, msgspec.json.decode(source))

    @get("/{version:str}/diff", operation_id="diffRuleSets", responses=ERRORS, guards=[READ])
    async def diff(
        self, request: Caller, version: VersionPath, other: Other, app: Application
    ) -> list[Difference]:
        """What changed from `other` to this version, by meaning."""
        organization = request.user.organization
        return list(await app.lab.difference(organization, ContentHash(other), ContentHash(version)))

    @post(
        "/{version:str}/publish",
        operation_id="publishRuleSet",
        status_code=HTTP_200_OK,
        responses=POST_ERRORS,
        guards=[APPROVE],
    )
    async def publish(self, request: Caller, version: VersionPath, app: Application) -> Version:
        """Approve a version and make it live, or roll back to one that was live before."""
        return await app.lab.publish(who(request), ContentHash(version))

    @post(
        "/{version:str}/reject",
        operation_id="rejectRuleSet",
        status_code=HTTP_200_OK,
        responses=POST_ERRORS,
        guards=[APPROVE],
    )
    async def reject(self, request: Caller, version: VersionPath, app: Application) -> Version:
        """Refuse a version that awaits approval."""
        return await app.lab.reject(who(request), ContentHash(version))
