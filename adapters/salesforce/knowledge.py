"""Published articles of Salesforce Knowledge (`Knowledge__kav`), newest versions only.

The texts of an article are custom fields of each org, so the object is described first (REST API Developer
Guide: sObject Describe, Query; Knowledge Developer Guide: Knowledge__kav).
"""

import html
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import httpx
import msgspec
from msgspec import Struct

from ports.errors import Refused, Unavailable

VERSION = "v62.0"
OBJECT = "Knowledge__kav"
FIELDS = (
    *("KnowledgeArticleId", "ArticleNumber", "Title", "Summary", "UrlName", "Language", "VersionNumber"),
    *("IsVisibleInPkb", "IsVisibleInCsp", "IsVisibleInPrm"),
)
PUBLISHED = "PublishStatus = 'Online' AND IsLatestVersion = true"
TEXTS = frozenset({"textarea", "encryptedstring"})
TIMEOUT = 30.0
RETRY_AFTER = 30
MOST = 50_000
"""Articles that are read; the rest is told, not taken."""


class SalesforceArticle(Struct, frozen=True):
    """A published article: its texts as one HTML page. `everyone`: visible to customers in some channel."""

    id: str
    number: str
    html: bytes
    language: str
    version: str
    everyone: bool


class KnowledgeReader:
    """Reads with an access token of a user who may read Knowledge."""

    def __init__(self, instance: str, token: str) -> None:
        """`instance` is the org's address, https://example.my.salesforce.com."""
        self._base = instance.rstrip("/")
        self._client = httpx.AsyncClient(
            timeout=TIMEOUT, headers={"Authorization": f"Bearer {token}"}, trust_env=False
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def articles(self) -> AsyncIterator[SalesforceArticle]:
        """All that are online.

        Raises `Refused` for a token that may not, `Unavailable` when the org does not answer.
        """
        described = await self._get(f"/services/data/{VERSION}/sobjects/{OBJECT}/describe")
        texts = [
            field["name"] for field in described["fields"] if field.get("custom") and field["type"] in TEXTS
        ]
        names = ", ".join([*FIELDS, *texts])
        query = f"SELECT {names} FROM {OBJECT} WHERE {PUBLISHED}"  # names from the describe
        page = await self._get(f"/services/data/{VERSION}/query", {"q": query})
        count = 0
        while True:
            for record in page["records"]:
                count += 1
                if count > MOST:
                    raise Refused(
                        f"The org has more than {MOST:,} articles; choose some with a query of your own."
                    )
                yield _article(record, texts)
            if page.get("done", True):
                return
            page = await self._get(page["nextRecordsUrl"])

    async def _get(self, path: str, parameters: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401  # JSON
        url = urljoin(f"{self._base}/", path)
        if urlsplit(url).netloc != urlsplit(self._base).netloc:  # the token goes to the org alone
            raise Refused("Salesforce names another host for the next page; nothing was sent there.")
        try:
            response = await self._client.get(url, params=parameters)
            found = msgspec.json.decode(response.content)
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            raise Unavailable(f"Salesforce does not answer: {error}", RETRY_AFTER) from error
        if response.is_success:
            return found
        said = found[0] if isinstance(found, list) and found else {}
        reason = f"{said.get('errorCode', response.status_code)}: {said.get('message', '')}".strip(": ")
        if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR or "LIMIT" in reason:
            raise Unavailable(f"Salesforce answers {reason}", RETRY_AFTER)
        raise Refused(f"Salesforce refuses: {reason}. Check the token, and that its user may read Knowledge.")


def _article(record: Mapping[str, Any], texts: Sequence[str]) -> SalesforceArticle:
    said = [html.escape(record.get("Summary") or ""), *(record.get(name) or "" for name in texts)]
    body = "".join(f"<section>{text}</section>" for text in said if text)
    title = html.escape(record["Title"] or record["UrlName"] or record["ArticleNumber"])
    page = f"<html><head><meta charset='utf-8'></head><body><h1>{title}</h1>{body}</body></html>"
    seen = any(record.get(f"IsVisibleIn{where}") for where in ("Pkb", "Csp", "Prm"))
    language = str(record.get("Language") or "en").partition("_")[0].lower()
    return SalesforceArticle(
        str(record["KnowledgeArticleId"]),
        str(record["ArticleNumber"]),
        page.encode(),
        language,
        str(record.get("VersionNumber") or ""),
        seen,
    )
