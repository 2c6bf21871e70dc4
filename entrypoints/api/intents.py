"""A tenant's own intents over HTTP, and trainings with them."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, delete, get, post, put
from litestar.params import JSONBody, PathParameter
from litestar.status_codes import HTTP_202_ACCEPTED, HTTP_204_NO_CONTENT
from msgspec import Meta, Struct

from domain.nlu.own import OwnIntent
from domain.nlu.own_names import Vocabulary
from entrypoints.api.conversations import ERRORS, POST_ERRORS, PUT_ERRORS
from entrypoints.api.knowledge import READ, WRITE
from entrypoints.api.rules import Application, Caller, who
from ports.outbound.intents import Training

NamePath = Annotated[str, PathParameter(description="The intent.", pattern="^[a-z][a-z0-9_]{2,59}$")]
TrainingPath = Annotated[UUID, PathParameter(description="The training.")]
Text = Annotated[str, Meta(min_length=1, max_length=500)]
Texts = Annotated[list[Text], Meta(max_length=1_000)]
Short = Annotated[str, Meta(max_length=200)]


class IntentBody(Struct, frozen=True, forbid_unknown_fields=True):
    """An own intent, or utterances for one that everybody has. `tests` are never trained on."""

    utterances: Texts
    tests: Texts = []
    family: Short = "own"
    description: Short = ""
    response_type: Short = "informational"
    issue_type: Short = "other"
    clarify: Short = ""
    asks: Annotated[list[Short], Meta(max_length=20)] = []


class Known(Struct, frozen=True):
    """An intent that everybody has, with how many utterances."""

    name: str
    family: str
    description: str
    utterances: int


class Intents(Struct, frozen=True):
    """What everybody has, and the tenant's own."""

    everybody: list[Known]
    own: list[OwnIntent]


class Named(Struct, frozen=True):
    """How many forms of names are known now."""

    forms: int


class VocabularyController(Controller):
    """The names of the tenant's own objects and fields, as Salesforce's describe gives them."""

    path = "/api/v1/vocabulary"
    tags = ["intents"]  # noqa: RUF012  # as below
    guards = [READ]  # noqa: RUF012  # as below

    @get(operation_id="getVocabulary", responses=ERRORS)
    async def one(self, request: Caller, app: Application) -> Vocabulary:
        """The names that are known."""
        return await app.train.vocabulary(request.user.organization)

    @put(operation_id="putVocabulary", responses=PUT_ERRORS, guards=[WRITE])
    async def put(self, request: Caller, data: JSONBody[Vocabulary], app: Application) -> Named:
        """Replace them: describe results under `objects`, other names by type under `names`."""
        return Named(await app.train.name(who(request), data))


class IntentController(Controller):
    """Own intents; they are understood after a training."""

    path = "/api/v1/intents"
    tags = ["intents"]  # noqa: RUF012  # Litestar types it as an instance's
    guards = [READ]  # noqa: RUF012  # as above

    @get(operation_id="listIntents", responses=ERRORS)
    async def page(self, request: Caller, app: Application) -> Intents:
        """Every intent that can be understood or will be after the next training."""
        everybody = [
            Known(one.name, one.family, one.description, len(one.utterances))
            for one in app.train.taxonomy.intents
        ]
        return Intents(everybody, list(await app.train.own(request.user.organization)))

    @put("/{name:str}", operation_id="putIntent", responses=PUT_ERRORS, guards=[WRITE])
    async def put(
        self, request: Caller, name: NamePath, data: JSONBody[IntentBody], app: Application
    ) -> OwnIntent:
        """Store an own intent, or more utterances for one that everybody has."""
        intent = OwnIntent(
            name,
            tuple(data.utterances),
            tuple(data.tests),
            data.family,
            data.description,
            data.response_type,
            data.issue_type,
            data.clarify,
            tuple(data.asks),
        )
        return await app.train.put(who(request), intent)

    @delete(
        "/{name:str}",
        operation_id="removeIntent",
        status_code=HTTP_204_NO_CONTENT,
        responses=PUT_ERRORS,
        guards=[WRITE],
    )
    async def remove(self, request: Caller, name: NamePath, app: Application) -> None:
        """Forget an own intent; the next training does without it."""
        await app.train.remove(who(request), name)

    @post(
        "/trainings",
        operation_id="trainIntents",
        status_code=HTTP_202_ACCEPTED,
        responses=POST_ERRORS,
        guards=[WRITE],
    )
    async def train(self, request: Caller, app: Application) -> Training:
        """Have a worker train and compare; the new model goes live unless it is worse."""
        return await app.train.ask(who(request))

    @get("/trainings/{training:uuid}", operation_id="getTraining", responses=ERRORS)
    async def one(self, request: Caller, training: TrainingPath, app: Application) -> Training:
        """How a training stands, with its before and after."""
        return await app.train.get(request.user.organization, training)

    @delete(
        "/model",
        operation_id="resetIntentModel",
        status_code=HTTP_204_NO_CONTENT,
        responses=PUT_ERRORS,
        guards=[WRITE],
    )
    async def back(self, request: Caller, app: Application) -> None:
        """Understand messages with everybody's model again; own intents are kept."""
        await app.train.back(who(request))
