"""Knowledge over HTTP: articles, what an edit would do, search, proposals."""

from datetime import UTC, date, datetime
from typing import Annotated
from uuid import UUID

from litestar import Controller, delete, get, post, put
from litestar.params import FromQuery, JSONBody, PathParameter, QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_202_ACCEPTED, HTTP_204_NO_CONTENT

from domain.ids import ArticleId, ContentHash
from domain.message import refuse_unstorable
from domain.retrieval.impact import Impact
from domain.retrieval.passages import Article
from domain.retrieval.scope import Reach, Scope
from entrypoints.api import knowledge_schemas as wire
from entrypoints.api.auth import needs
from entrypoints.api.conversations import ERRORS, POST_ERRORS, PUT_ERRORS
from entrypoints.api.rules import Application, Caller, who
from ports.inbound.curate import Edit, Search
from ports.inbound.learn import Decide
from ports.outbound.proposals import ProposalKind, ProposalState

ArticlePath = Annotated[str, PathParameter(description="The article.", pattern="^[A-Za-z0-9._-]{1,200}$")]
ProposalPath = Annotated[UUID, PathParameter(description="The proposal.")]
Words = Annotated[str, QueryParameter(max_length=200, description="Words of the title or the text.")]
After = Annotated[str | None, QueryParameter(max_length=200, description="The `next` of the page before.")]
Limit = Annotated[int, QueryParameter(ge=1, le=100, description="Items on the page.")]
READ, WRITE = needs("knowledge:read"), needs("knowledge:write")


class ArticleController(Controller):
    """Articles one by one."""

    path = "/api/v1/knowledge/articles"
    tags = ["knowledge"]  # noqa: RUF012  # Litestar types it as an instance's
    guards = [READ]  # noqa: RUF012  # as above

    @get(operation_id="listArticles", responses=ERRORS)
    async def page(
        self, request: Caller, app: Application, q: Words = "", after: After = None, limit: Limit = 50
    ) -> wire.Articles:
        """Articles by id, with what became of their answers; their texts are left out."""
        refuse_unstorable(q + (after or ""), "query")
        place = ArticleId(after) if after else None
        found = await app.curate.page(request.user.organization, q, place, limit)
        return wire.Articles(
            [wire.standing(one) for one in found], found[-1].article.id if len(found) == limit else None
        )

    @get("/{article:str}", operation_id="getArticle", responses=ERRORS)
    async def one(self, request: Caller, article: ArticlePath, app: Application) -> wire.StoredArticle:
        """One article with its text and its standing."""
        return wire.stored(await app.curate.get(request.user.organization, ArticleId(article)))

    @put("/{article:str}", operation_id="putArticle", responses=PUT_ERRORS, guards=[WRITE])
    async def edit(
        self, request: Caller, article: ArticlePath, data: JSONBody[wire.EditedArticle], app: Application
    ) -> wire.StoredArticle:
        """Store an article; found by answers within seconds. `replaces` is the content that was read."""
        replaces = ContentHash(data.replaces) if data.replaces else None
        return wire.stored(await app.curate.edit(Edit(who(request), _article(article, data), replaces)))

    @delete(
        "/{article:str}",
        operation_id="removeArticle",
        status_code=HTTP_204_NO_CONTENT,
        responses=PUT_ERRORS,
        guards=[WRITE],
    )
    async def remove(self, request: Caller, article: ArticlePath, app: Application) -> None:
        """Forget an article; no answer rests on it from then on."""
        await app.curate.remove(who(request), ArticleId(article))

    @post(
        "/{article:str}/impact", operation_id="weighArticle", status_code=HTTP_200_OK, responses=POST_ERRORS
    )
    async def impact(
        self, request: Caller, article: ArticlePath, data: JSONBody[wire.EditedArticle], app: Application
    ) -> Impact:
        """Say which past answers an edit would leave without support or answer otherwise; store nothing."""
        return await app.curate.impact(request.user.organization, _article(article, data))


class KnowledgeController(Controller):
    """Searching knowledge, and what people should look at in it."""

    path = "/api/v1/knowledge"
    tags = ["knowledge"]  # noqa: RUF012  # as above
    guards = [READ]  # noqa: RUF012  # as above

    @post("/search", operation_id="searchKnowledge", status_code=HTTP_200_OK, responses=POST_ERRORS)
    async def search(self, request: Caller, data: JSONBody[wire.Search], app: Application) -> list[wire.Hit]:
        """The best passages for a question, with their figures, as a given reader would find them."""
        scope = Scope(
            data.day or _today(),
            frozenset(data.groups),
            data.staff,
            data.api_version,
            data.product,
            data.language,
        )
        command = Search(request.user.organization, data.question, scope, data.count)
        return [wire.hit(one) for one in await app.curate.search(command)]

    @post(
        "/reviews",
        operation_id="reviewKnowledge",
        status_code=HTTP_202_ACCEPTED,
        responses=POST_ERRORS,
        guards=[WRITE],
    )
    async def review(self, request: Caller, app: Application) -> wire.Asked:
        """Look for gaps, doubts and articles to learn; their proposals are there shortly."""
        await app.review.ask(who(request))
        return wire.Asked()

    @get("/proposals", operation_id="listProposals", responses=ERRORS)
    async def proposals(
        self,
        request: Caller,
        app: Application,
        kind: FromQuery[ProposalKind | None] = None,
        status: FromQuery[ProposalState] = ProposalState.OPEN,
        limit: Limit = 50,
    ) -> list[wire.Proposal]:
        """What people should look at, the newest first."""
        found = await app.review.page(request.user.organization, kind, status, limit)
        return [wire.proposed(one) for one in found]

    @post(
        "/proposals/{proposal:uuid}/accept",
        operation_id="acceptProposal",
        status_code=HTTP_200_OK,
        responses=POST_ERRORS,
        guards=[WRITE],
    )
    async def accept(
        self, request: Caller, proposal: ProposalPath, data: JSONBody[wire.Accept], app: Application
    ) -> wire.Proposal:
        """Agree; an article goes into knowledge, in other words if given."""
        command = Decide(who(request), proposal, accept=True, title=data.title, body=data.body)
        return wire.proposed(await app.review.decide(command))

    @post(
        "/proposals/{proposal:uuid}/reject",
        operation_id="rejectProposal",
        status_code=HTTP_200_OK,
        responses=POST_ERRORS,
        guards=[WRITE],
    )
    async def reject(self, request: Caller, proposal: ProposalPath, app: Application) -> wire.Proposal:
        """Set aside for good; it is not proposed again."""
        return wire.proposed(await app.review.decide(Decide(who(request), proposal, accept=False)))


def _article(identity: str, data: wire.EditedArticle) -> Article:
    return Article(
        ArticleId(identity),
        data.title,
        data.category,
        data.body,
        data.product,
        data.api_versions,
        tuple(data.error_codes),
        tuple(data.sources),
        Reach(
            data.version,
            data.language,
            data.audience,
            tuple(data.groups),
            data.valid_from,
            data.valid_until,
        ),
        asked=tuple(data.asked),
    )


def _today() -> date:
    return datetime.now(UTC).date()
