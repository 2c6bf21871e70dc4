"""Rehearsals on history and trials on live turns, over HTTP."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, delete, get, post
from litestar.params import JSONBody, PathParameter
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED, HTTP_202_ACCEPTED

from domain.ids import ContentHash
from entrypoints.api import rule_schemas as wire
from entrypoints.api.conversations import ERRORS, POST_ERRORS, PUT_ERRORS
from entrypoints.api.rules import APPROVE, READ, WRITE, Application, Caller, VersionPath, ago, encoded, who
from ports.inbound.rehearse import AskRehearsal
from ports.inbound.trial import StartTrial

RehearsalPath = Annotated[UUID, PathParameter(description="The rehearsal.")]


class RehearsalController(Controller):
    """Replays of past turns, done by workers."""

    path = "/api/v1/rules/rehearsals"
    tags = ["rules"]  # noqa: RUF012  # Litestar types it as an instance's
    guards = [READ]  # noqa: RUF012  # as above

    @post(operation_id="startRehearsal", status_code=HTTP_202_ACCEPTED, responses=POST_ERRORS, guards=[WRITE])
    async def start(self, request: Caller, data: JSONBody[wire.Rehearse], app: Application) -> wire.Rehearsal:
        """Replay the turns of the last days under the live rules and these; look for the report later."""
        command = AskRehearsal(who(request), encoded(data.document), ago(data.days), data.staffing)
        return wire.rehearsed(await app.rehearse.ask(command))

    @get("/{rehearsal:uuid}", operation_id="getRehearsal", responses=ERRORS)
    async def one(self, request: Caller, rehearsal: RehearsalPath, app: Application) -> wire.Rehearsal:
        """How far it is, or its report."""
        return wire.rehearsed(await app.rehearse.get(request.user.organization, rehearsal))

    @delete("/{rehearsal:uuid}", operation_id="cancelRehearsal", status_code=HTTP_200_OK, responses=ERRORS)
    async def cancel(self, request: Caller, rehearsal: RehearsalPath, app: Application) -> wire.Rehearsal:
        """Stop it; one that is over stays as it is."""
        return wire.rehearsed(await app.rehearse.cancel(request.user.organization, rehearsal))


class TrialController(Controller):
    """A version beside the live one on real turns."""

    path = "/api/v1/rulesets/{version:str}/trial"
    tags = ["rules"]  # noqa: RUF012  # as above

    @post(operation_id="startTrial", status_code=HTTP_201_CREATED, responses=POST_ERRORS, guards=[APPROVE])
    async def start(
        self, request: Caller, version: VersionPath, data: JSONBody[wire.BeginTrial], app: Application
    ) -> wire.TrialStanding:
        """Begin a shadow or a canary; another trial ends. Publish the version to promote it."""
        candidate = ContentHash(version)
        await app.trials.start(StartTrial(who(request), candidate, data.percent, data.bound))
        return wire.standing(await app.trials.standing(request.user.organization, candidate))

    @get(operation_id="getTrial", responses=ERRORS, guards=[READ])
    async def one(self, request: Caller, version: VersionPath, app: Application) -> wire.TrialStanding:
        """How the newest trial of a version stands."""
        return wire.standing(await app.trials.standing(request.user.organization, ContentHash(version)))

    @delete(operation_id="stopTrial", status_code=HTTP_200_OK, responses=PUT_ERRORS, guards=[WRITE])
    async def stop(self, request: Caller, version: VersionPath, app: Application) -> wire.TrialStanding:
        """Stop the trial; every conversation is on the live rules from the next turn on."""
        return wire.standing(await app.trials.stop(who(request), ContentHash(version)))
