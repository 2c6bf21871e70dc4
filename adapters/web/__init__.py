"""Pages of the web, fetched politely: robots.txt, one at a time, limits on size, hosts and redirects."""

import asyncio
import time
import zlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from urllib.parse import urljoin, urlsplit

import httpx
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring
from msgspec import Struct
from protego import Protego

from adapters.web.addresses import PinnedBackend
from domain.errors import DataFileError

AGENT = "Casepilot"
"""What robots.txt may name."""
MAX_SITEMAP = 50_000_000
"""Bytes of a sitemap, unpacked (sitemaps.org's own limit)."""
MAX_ROBOTS = 500_000
"""Bytes of a robots.txt (RFC 9309, 2.5: at least 500 KiB are to be read)."""
MAX_REDIRECTS = 5
MAX_DELAY = 10.0
"""Seconds between two pages at most, whatever robots.txt asks for."""
TIMEOUT = httpx.Timeout(20.0, connect=10.0)
WHOLE = 120.0
"""Seconds that one page may take in all, however slowly it drips."""
KINDS = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "application/pdf": ".pdf",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "text/csv": ".csv",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
}
XML = frozenset({"application/xml", "text/xml", "application/gzip", "application/x-gzip"})


class Page(Struct, frozen=True):
    """What lies at an address: its bytes and the kind of file that they are, or why it was not taken.

    `listed` is where it was looked for before redirects; `partial`: further pages may have been missed.
    """

    url: str
    kind: str = ""
    data: bytes = b""
    error: DataFileError | None = None
    listed: str = ""
    partial: bool = False


class Limits(Struct, frozen=True):
    """How much is read: bytes of a page, pages of a site; and seconds between two pages."""

    page: int = 20_000_000
    pages: int = 2_000
    delay: float = 1.0


class Web:
    """Fetches pages. `trusted` hosts may lie inside the network."""

    def __init__(
        self,
        trusted: Collection[str] = (),
        limits: Limits = Limits(),  # noqa: B008  # it does not change
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        transport = httpx.AsyncHTTPTransport()
        transport._pool._network_backend = PinnedBackend(trusted)  # noqa: SLF001  # httpx has no parameter for it
        self._client = httpx.AsyncClient(
            transport=transport,
            timeout=TIMEOUT,
            headers={"User-Agent": f"{AGENT} (knowledge ingestion)", "Accept-Encoding": "gzip"},
            trust_env=False,
        )
        self._robots: dict[str, Protego] = {}
        self._limits, self._sleep, self._last = limits, sleep, 0.0

    async def aclose(self) -> None:
        """Let the connections go."""
        await self._client.aclose()

    async def pages(self, url: str) -> AsyncIterator[Page]:
        """The page at an address, or those of the sitemap there, each once; failures with their error."""
        try:
            host = _host(url)
        except DataFileError as error:
            yield Page(url, error=error)
            return
        waiting, seen = deque([(url, False)]), {url}
        while waiting:
            at, is_sitemap = waiting.popleft()
            try:
                final, kind, data = await self._fetch(at, host)
                if kind in KINDS:
                    yield Page(final, KINDS[kind], data, listed=at)
                    continue
                found, are_sitemaps = _listed(kind, data, at)
            except DataFileError as error:
                yield Page(at, error=error, listed=at, partial=is_sitemap)
                continue
            for one in found:
                if one in seen:
                    continue
                if len(seen) > self._limits.pages:
                    said = f"the sitemap names more than {self._limits.pages:,} pages; the rest is left."
                    yield Page(at, error=DataFileError("too_many_pages", said), listed=at, partial=True)
                    break
                seen.add(one)
                waiting.append((one, are_sitemaps))

    async def _fetch(self, url: str, host: str) -> tuple[str, str, bytes]:
        """The address in the end, the media type and the bytes. Raises `DataFileError`."""
        for _ in range(MAX_REDIRECTS + 1):
            if (here := _host(url)) != host:
                raise DataFileError("other_host", f"it leads to another host, {here}.")
            robots = await self._robots_of(url)
            if not robots.can_fetch(url, AGENT):
                raise DataFileError("robots", "robots.txt asks not to read it.")
            asked = float(robots.crawl_delay(AGENT) or 0)
            await self._wait(min(MAX_DELAY, max(self._limits.delay, asked)))
            response, data = await self._get(url, self._limits.page)
            if not response.has_redirect_location:
                if response.status_code != httpx.codes.OK:
                    raise DataFileError("bad_status", f"the server answers {response.status_code}.")
                return url, response.headers.get("content-type", "").partition(";")[0].strip().lower(), data
            url = _joined(url, response.headers["location"])
        raise DataFileError("too_many_redirects", f"it leads on more than {MAX_REDIRECTS} times.")

    async def _get(self, url: str, limit: int) -> tuple[httpx.Response, bytes]:
        try:
            async with asyncio.timeout(WHOLE), self._client.stream("GET", url) as response:
                data = bytearray()
                async for chunk in response.aiter_bytes():
                    data += chunk
                    if len(data) > limit:
                        raise DataFileError("too_large", f"it has more than {limit:,} bytes.")
                return response, bytes(data)
        except TimeoutError as error:
            raise DataFileError("too_slow", f"it took more than {WHOLE:.0f} seconds.") from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise DataFileError("unreachable", f"it cannot be reached ({error}).") from error

    async def _robots_of(self, url: str) -> Protego:
        """The rules of a host: none where there is no file, all closed where it fails (RFC 9309, 2.3.1)."""
        parts = urlsplit(url)
        site = f"{parts.scheme}://{parts.netloc}"
        if site not in self._robots:
            at = f"{site}/robots.txt"
            response, data = await self._get(at, MAX_ROBOTS)
            for _ in range(MAX_REDIRECTS):
                if not response.has_redirect_location:
                    break
                at = _joined(at, response.headers["location"])
                if _host(at) != parts.hostname:
                    raise DataFileError("robots", f"robots.txt leads to another host, {_host(at)}.")
                response, data = await self._get(at, MAX_ROBOTS)
            if response.status_code != httpx.codes.OK and not response.is_client_error:
                raise DataFileError("robots", f"robots.txt cannot be read ({response.status_code}).")
            said = data.decode("utf-8", "replace") if response.status_code == httpx.codes.OK else ""
            self._robots[site] = Protego.parse(said)
        return self._robots[site]

    async def _wait(self, delay: float) -> None:
        await self._sleep(max(0.0, self._last + delay - time.monotonic()))
        self._last = time.monotonic()


def _joined(url: str, place: str) -> str:
    """The address of a place on a page; one that is no address stays as it is, to be named in the report."""
    try:
        return urljoin(url, place)
    except ValueError:
        return place


def _host(url: str) -> str:
    """The host of an address of the web. Raises `DataFileError` for any other address."""
    try:
        parts = urlsplit(url)
        host = parts.hostname if parts.scheme in {"http", "https"} and parts.port != 0 else None
    except ValueError:
        host = None
    if not host:
        raise DataFileError("bad_address", f"'{url[:200]}' is no address of the web (http or https).")
    if parts.username or parts.password:
        raise DataFileError("bad_address", "an address with a password in it is not read.")
    return host


def _listed(kind: str, data: bytes, url: str) -> tuple[list[str], bool]:
    """The addresses in a sitemap, and whether they are sitemaps themselves. Raises `DataFileError`."""
    if kind not in XML:
        raise DataFileError("unknown_kind", f"'{kind}' is no kind of page that can be read.")
    try:
        if data[:2] == b"\x1f\x8b":
            unpacked = zlib.decompressobj(zlib.MAX_WBITS | 16)
            data = unpacked.decompress(data, MAX_SITEMAP)
            if unpacked.unconsumed_tail:
                raise DataFileError("too_large", f"the sitemap unpacks to more than {MAX_SITEMAP:,} bytes.")
        root = fromstring(data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, zlib.error, ValueError, LookupError) as error:
        raise DataFileError("bad_sitemap", f"it is no sitemap that can be read ({error}).") from error
    tag = root.tag.rpartition("}")[2]
    if tag not in {"urlset", "sitemapindex"}:
        raise DataFileError("bad_sitemap", f"'{root.tag[:60]}' is no sitemap.")
    places = (one.text or "" for one in root.iter() if one.tag.rpartition("}")[2] == "loc")
    return [_joined(url, place.strip()) for place in places if place.strip()], tag == "sitemapindex"
