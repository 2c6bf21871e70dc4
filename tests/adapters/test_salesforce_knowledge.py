"""Published articles of Salesforce Knowledge, from a server that answers as the REST API does."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from adapters.documents.read import Document, Labels, read_documents
from adapters.salesforce.knowledge import KnowledgeReader, SalesforceArticle
from adapters.starter.loader import parse_article
from ports.errors import Refused, Unavailable

pytestmark = pytest.mark.anyio

DESCRIBE = {
    "fields": [
        {"name": "Title", "type": "string", "custom": False},
        {"name": "Summary", "type": "textarea", "custom": False},
        {"name": "Steps__c", "type": "textarea", "custom": True},
        {"name": "Owner__c", "type": "reference", "custom": True},
    ]
}


def a_record(number: str, **values: object) -> dict[str, object]:
    return {
        "KnowledgeArticleId": f"kA0{number}",
        "ArticleNumber": number,
        "Title": f"Reset & unlock {number}",
        "Summary": "What to do < when locked",
        "UrlName": f"reset-{number}",
        "Language": "en_US",
        "VersionNumber": 3,
        "IsVisibleInPkb": True,
        "IsVisibleInCsp": False,
        "IsVisibleInPrm": False,
        "Steps__c": "<ol><li>Open <b>Setup</b>.</li></ol><script>alert(1)</script>",
        **values,
    }


class Org:
    """Two pages of articles; `broken` replaces the answer to a query."""

    def __init__(self) -> None:
        self.queries: list[str] = []
        self.tokens: set[str] = set()
        self.broken: tuple[int, object] | None = None
        self.next = "/services/data/v62.0/query/01gNEXT-2000"
        self.url = ""

    def answer(self, path: str) -> tuple[int, object]:
        parts = urlsplit(path)
        if parts.path.endswith("/describe"):
            return 200, DESCRIBE
        if self.broken is not None:
            return self.broken
        if parts.path.endswith("-2000"):
            last = a_record("0002", Language="de", IsVisibleInPkb=False, Summary=None)
            return 200, {"done": True, "records": [last]}
        self.queries.append(parse_qs(parts.query)["q"][0])
        return 200, {"done": False, "nextRecordsUrl": self.next, "records": [a_record("0001")]}


@pytest.fixture
def org() -> Iterator[Org]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.tokens.add(self.headers["Authorization"])
            status, body = made.answer(self.path)
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:  # the test's output is its own
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Org()
    made.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


async def read(org: Org) -> list[SalesforceArticle]:
    async with KnowledgeReader(org.url, "the-token") as reader:
        return [one async for one in reader.articles()]


async def test_every_page_of_published_articles_is_read_with_the_orgs_own_fields(org: Org) -> None:
    first, second = await read(org)

    [query] = org.queries
    assert "Steps__c" in query
    assert "Owner__c" not in query
    assert query.endswith("WHERE PublishStatus = 'Online' AND IsLatestVersion = true")
    assert org.tokens == {"Bearer the-token"}
    assert (first.number, first.language, first.version, first.everyone) == ("0001", "en", "3", True)
    assert (second.language, second.everyone) == ("de", False)


async def test_an_article_becomes_text_without_scripts(org: Org) -> None:
    [first, _] = await read(org)
    document = Document("salesforce://x/0001", ".html", "x", ("url:x",), first.html, Labels(language="en"))

    [article] = read_documents([document], Labels(), parse_article).articles

    assert article.title == "Reset & unlock 0001"
    assert "What to do < when locked" in article.body
    assert "1. Open **Setup**." in article.body
    assert "alert" not in article.body


@pytest.mark.parametrize(
    ("broken", "error", "said"),
    [
        (
            (401, [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired"}]),
            Refused,
            "INVALID_SESSION",
        ),
        ((403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "limit"}]), Unavailable, "REQUEST_LIMIT"),
        ((400, [{"errorCode": "INVALID_TYPE", "message": "Knowledge__kav"}]), Refused, "INVALID_TYPE"),
        ((503, {}), Unavailable, "503"),
        ((200, b"<html>"), Unavailable, "does not answer"),
    ],
)
async def test_what_salesforce_refuses_is_told(
    org: Org, broken: tuple[int, object], error: type[Exception], said: str
) -> None:
    org.broken = broken

    with pytest.raises(error, match=said):
        await read(org)


async def test_the_token_goes_to_the_org_alone(org: Org) -> None:
    org.next = "http://evil.example/services/data/v62.0/query/x"

    with pytest.raises(Refused, match="another host"):
        await read(org)


async def test_an_org_that_is_not_there_is_unavailable() -> None:
    async with KnowledgeReader("http://127.0.0.1:9", "t") as reader:
        with pytest.raises(Unavailable, match="does not answer"):
            await anext(reader.articles())
