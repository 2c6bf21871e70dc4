"""The customer's conversation endpoints."""

from typing import Annotated, Any
from uuid import NAMESPACE_URL, UUID, uuid5

from litestar import Controller, MediaType, Request, Response, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromQuery, JSONBody, PathParameter, QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED

from domain.conversation import Channel, Status
from domain.errors import ForbiddenError
from domain.facts import ACCESS_GROUPS
from domain.ids import ConversationId, MessageId, UserId
from domain.message import refuse_unstorable
from entrypoints.api import schemas
from entrypoints.api.auth import needs
from entrypoints.api.gate import KEY, do_not_keep
from entrypoints.api.metadata import checked_metadata
from entrypoints.api.schemas import Error, RateLimited
from entrypoints.api.specs import spec
from entrypoints.api.stream import streamed
from entrypoints.bootstrap import App
from ports.inbound.close import Escalate, Resolve
from ports.inbound.feedback import GiveFeedback
from ports.inbound.history import ReadTranscript
from ports.inbound.listening import Listener
from ports.inbound.reply import Reply
from ports.inbound.start import Start
from ports.outbound.conversations import ConversationFilter
from ports.outbound.keys import Principal

Caller = Request[Principal, Any, State]
Application = NamedDependency[App]
ConversationPath = Annotated[UUID, PathParameter(description="The conversation.")]
Cursor = Annotated[UUID | None, QueryParameter(description="The `next` of the page before.")]
Limit = Annotated[int, QueryParameter(ge=1, le=100, description="Items on the page.")]

ERRORS: dict[int, ResponseSpec] = {
    400: spec(Error, "Bad request"),
    401: spec(Error, "Unauthorized"),
    403: spec(Error, "The scope is missing"),
    404: spec(Error, "Resource not found"),
    429: spec(RateLimited, "Rate limit exceeded"),
    503: spec(Error, "Try again shortly"),
}
PUT_ERRORS: dict[int, ResponseSpec] = {
    **ERRORS,
    409: spec(Error, "The state does not allow it, or the first request is still running"),
    413: spec(Error, "The body is too large"),
}
POST_ERRORS: dict[int, ResponseSpec] = {
    **PUT_ERRORS,
    422: spec(Error, "The Idempotency-Key was used with another request"),
}


class ConversationController(Controller):
    """Conversations and what is said in them."""

    path = "/api/v1/conversations"
    tags = ["conversations"]  # noqa: RUF012  # Litestar types it as an instance's
    guards = [needs("chat")]  # noqa: RUF012  # as above

    @post(
        operation_id="createConversation",
        responses={
            **POST_ERRORS,
            200: spec(schemas.Conversation, "The conversation that this user has open on this channel"),
        },
    )
    async def start(
        self, request: Caller, data: JSONBody[schemas.StartConversation], app: Application
    ) -> Response[schemas.Conversation]:
        """Create a conversation, or return the one that the user has open on this channel."""
        user = UserId(data.user_id)
        if not request.user.may_see(user):
            raise ForbiddenError("wrong_user", "This token speaks for another user_id.")
        metadata = checked_metadata(data.metadata)
        if not request.user.may_see_all:  # a customer's groups come from the token, never from the body
            metadata = {**metadata, ACCESS_GROUPS: list(request.user.groups)}
        started = await app.start(Start(request.user.organization, user, data.channel, metadata))
        status = HTTP_201_CREATED if started.new else HTTP_200_OK
        return Response(schemas.Conversation.of(started.conversation), status_code=status)

    @get(operation_id="listConversations", responses=ERRORS)
    async def index(  # one parameter a filter
        self,
        request: Caller,
        app: Application,
        status: FromQuery[Status | None] = None,
        channel: FromQuery[Channel | None] = None,
        user_id: FromQuery[UUID | None] = None,
        before: Cursor = None,
        limit: Limit = 20,
    ) -> schemas.Conversations:
        """List conversations, newest first; customers see their own."""
        user = UserId(user_id) if user_id else None
        wanted = ConversationFilter(status, channel, user, ConversationId(before) if before else None, limit)
        found = [schemas.Conversation.of(c) for c in await app.read.page(request.user, wanted)]
        return schemas.Conversations(found, found[-1].id if len(found) == limit else None)

    @get("/{conversation_id:uuid}", operation_id="getConversation", responses=ERRORS)
    async def one(
        self, request: Caller, conversation_id: ConversationPath, app: Application
    ) -> schemas.Conversation:
        """Read a conversation."""
        found = await app.read.one(request.user, ConversationId(conversation_id))
        return schemas.Conversation.of(found, staff=request.user.may_see_all)

    @post(
        "/{conversation_id:uuid}/messages",
        operation_id="sendMessage",
        status_code=HTTP_200_OK,
        responses={**POST_ERRORS, 200: spec(schemas.MessageResponse, "Message processed")},
    )
    async def send(
        self,
        request: Caller,
        conversation_id: ConversationPath,
        data: JSONBody[schemas.SendMessage],
        app: Application,
    ) -> Response[Any]:
        """Send a message, get its answer; as events for clients that accept `text/event-stream`."""
        command = Reply(
            request.user.organization,
            ConversationId(conversation_id),
            message_id(request, app),
            data.content,
            data.attachments,
            None if request.user.may_see_all else request.user.user,
            data.depth if request.user.may_see_all else 0,
            None if request.user.may_see_all else frozenset(request.user.groups),
        )
        if "text/event-stream" in request.headers.get("accept", ""):

            async def run(listener: Listener) -> bytes:
                return await app.reply(command, listener)

            return await streamed(run, command.message, lambda: do_not_keep(request.scope))
        return Response(await app.reply(command), media_type=MediaType.JSON, status_code=HTTP_200_OK)

    @get("/{conversation_id:uuid}/messages", operation_id="listMessages", responses=ERRORS)
    async def messages(
        self,
        request: Caller,
        conversation_id: ConversationPath,
        app: Application,
        after: Cursor = None,
        limit: Limit = 50,
    ) -> schemas.Messages:
        """Read a conversation's messages in order, the agent's with their reasons."""
        query = ReadTranscript(
            request.user, ConversationId(conversation_id), MessageId(after) if after else None, limit
        )
        found = [schemas.Message.of(conversation_id, said) for said in await app.read.transcript(query)]
        return schemas.Messages(found, found[-1].id if len(found) == limit else None)

    @post(
        "/{conversation_id:uuid}/resolve",
        operation_id="resolveConversation",
        status_code=HTTP_200_OK,
        responses=POST_ERRORS,
    )
    async def resolve(
        self,
        request: Caller,
        conversation_id: ConversationPath,
        data: JSONBody[schemas.Resolve],
        app: Application,
    ) -> schemas.Conversation:
        """Close a conversation as solved; closing it again changes nothing."""
        resolution = data.resolution if request.user.may_see_all else None
        command = Resolve(request.user, ConversationId(conversation_id), resolution)
        return schemas.Conversation.of(await app.resolve(command))

    @post(
        "/{conversation_id:uuid}/escalate",
        operation_id="escalateConversation",
        status_code=HTTP_200_OK,
        responses=POST_ERRORS,
    )
    async def escalate(
        self,
        request: Caller,
        conversation_id: ConversationPath,
        data: JSONBody[schemas.Escalate],
        app: Application,
    ) -> schemas.Conversation:
        """Hand a conversation to people; doing it again changes nothing."""
        refuse_unstorable(data.reason, "reason")
        command = Escalate(request.user, ConversationId(conversation_id), data.reason)
        return schemas.Conversation.of(await app.escalate(command))

    @post(
        "/{conversation_id:uuid}/feedback",
        operation_id="giveFeedback",
        status_code=HTTP_201_CREATED,
        responses=POST_ERRORS,
    )
    async def feedback(
        self,
        request: Caller,
        conversation_id: ConversationPath,
        data: JSONBody[schemas.Feedback],
        app: Application,
    ) -> schemas.Feedback:
        """Rate an answer; the newest rating stands."""
        await app.feedback(
            GiveFeedback(
                request.user,
                ConversationId(conversation_id),
                MessageId(data.message_id),
                data.helpful,
                data.comment,
            )
        )
        return data


def message_id(request: Caller, app: App) -> MessageId:
    """The id of a new message: from the Idempotency-Key if there is one, so a retry is the same message."""
    key = request.scope["state"].get(KEY)
    if key is None:
        return MessageId(app.ports.ids.fresh())
    return MessageId(uuid5(NAMESPACE_URL, f"casepilot:{request.user.organization}:{request.url.path}:{key}"))
