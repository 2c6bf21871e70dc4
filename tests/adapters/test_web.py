"""Pages of the web, fetched from real servers on the loopback address; and every way back inside refused."""

import gzip
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import Any

import pytest

from adapters.web import Limits, Page, Web
from adapters.web.addresses import is_public

pytestmark = pytest.mark.anyio

HTML = {"Content-Type": "text/html; charset=utf-8"}
XML = {"Content-Type": "application/xml"}
Answer = tuple[int, dict[str, str], bytes]


class Site:
    """A site whose pages are set by a test; it remembers what was asked for."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.pages: dict[str, Answer | Callable[[], Answer]] = {}
        self.asked: list[str] = []

    def sitemap(self, *places: str, tag: str = "urlset") -> bytes:
        inner = "".join(f"<url><loc>{place}</loc></url>" for place in places)
        return f'<{tag} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{inner}</{tag}>'.encode()


@pytest.fixture
def site() -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            found = made.pages.get(self.path, (404, HTML, b"nothing"))
            status, headers, body = found() if callable(found) else found
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:  # the test's output is its own
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Site(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    opened = Web({"127.0.0.1"}, Limits(page=1_000_000, pages=9, delay=0.0))
    yield opened
    await opened.aclose()


async def pages(web: Web, url: str) -> list[Page]:
    return [page async for page in web.pages(url)]


def reasons(found: list[Page]) -> list[str]:
    return [str(page.error) for page in found if page.error]


async def test_a_page_comes_with_its_kind(site: Site, web: Web) -> None:
    site.pages["/help"] = (200, HTML, b"<h1>Help</h1>")

    assert await pages(web, f"{site.url}/help") == [
        Page(f"{site.url}/help", ".html", b"<h1>Help</h1>", listed=f"{site.url}/help")
    ]
    assert site.asked == ["/robots.txt", "/help"]


@pytest.mark.parametrize("packed", [False, True])
async def test_the_pages_of_a_sitemap_come_each_once(site: Site, web: Web, *, packed: bool) -> None:
    inner = site.sitemap(f"{site.url}/a", f"{site.url}/b", f"{site.url}/a")
    outer = site.sitemap(f"{site.url}/inner.xml", f"{site.url}/sitemap.xml", tag="sitemapindex")
    site.pages = {
        "/sitemap.xml": (200, XML, outer),
        "/inner.xml": (200, {"Content-Type": "application/gzip"}, gzip.compress(inner))
        if packed
        else (200, XML, inner),
        "/a": (200, HTML, b"A"),
        "/b": (200, {"Content-Type": "application/pdf"}, b"%PDF"),
    }

    found = await pages(web, f"{site.url}/sitemap.xml")

    assert [(page.kind, page.data) for page in found] == [(".html", b"A"), (".pdf", b"%PDF")]
    assert site.asked.count("/robots.txt") == 1


async def test_what_robots_asks_not_to_read_is_not_read(site: Site, web: Web) -> None:
    site.pages = {
        "/robots.txt": (200, {"Content-Type": "text/plain"}, b"User-agent: *\nDisallow: /private/*.html$"),
        "/private/x.html": (200, HTML, b"secret"),
        "/private/x.pdf": (200, HTML, b"open"),
    }

    assert reasons(await pages(web, f"{site.url}/private/x.html")) == ["robots.txt asks not to read it."]
    assert "/private/x.html" not in site.asked
    assert (await pages(web, f"{site.url}/private/x.pdf"))[0].data == b"open"


async def test_robots_that_fail_close_the_site(site: Site, web: Web) -> None:
    site.pages = {"/robots.txt": (503, HTML, b""), "/a": (200, HTML, b"A")}

    assert "robots.txt cannot be read (503)" in reasons(await pages(web, f"{site.url}/a"))[0]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((302, {"Location": "/rules.txt"}, b""), "robots.txt asks not to read it."),
        ((302, {"Location": "http://localhost/robots.txt"}, b""), "robots.txt leads to another host"),
        ((302, {"Location": "/robots.txt"}, b""), "robots.txt cannot be read (302)"),
    ],
)
async def test_robots_are_followed_within_their_host(
    site: Site, web: Web, answer: Answer, reason: str
) -> None:
    site.pages = {
        "/robots.txt": answer,
        "/rules.txt": (200, {"Content-Type": "text/plain"}, b"User-agent: *\nDisallow: /a"),
        "/a": (200, HTML, b"A"),
    }

    assert reason in reasons(await pages(web, f"{site.url}/a"))[0]
    assert "/a" not in site.asked


async def test_pages_are_asked_for_one_after_another(site: Site) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    site.pages = {
        "/robots.txt": (200, {"Content-Type": "text/plain"}, b"User-agent: *\nCrawl-delay: 7"),
        "/sitemap.xml": (200, XML, site.sitemap(f"{site.url}/a", f"{site.url}/b")),
        "/a": (200, HTML, b"A"),
        "/b": (200, HTML, b"B"),
    }
    web = Web({"127.0.0.1"}, Limits(delay=0.5), sleep)

    assert len(await pages(web, f"{site.url}/sitemap.xml")) == 2
    assert [round(one) for one in waited] == [0, 7, 7]
    await web.aclose()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((404, HTML, b""), "the server answers 404"),
        ((200, {"Content-Type": "video/mp4"}, b"x"), "'video/mp4' is no kind of page"),
        ((200, XML, b"<html/>"), "'html' is no sitemap"),
        ((200, XML, b"<urlset"), "no sitemap that can be read"),
        ((200, XML, b'<!DOCTYPE x [<!ENTITY a "b">]><urlset>&a;</urlset>'), "no sitemap that can be read"),
        ((200, {"Content-Type": "application/gzip"}, b"\x1f\x8bnonsense"), "no sitemap that can be read"),
        ((200, {**HTML, "Content-Encoding": "gzip"}, b"nonsense"), "it cannot be reached"),
        ((302, {"Location": "/page"}, b""), "it leads on more than 5 times"),
        ((302, {"Location": "http://localhost/page"}, b""), "it leads to another host, localhost"),
        ((302, {"Location": "file:///etc/passwd"}, b""), "no address of the web"),
        ((302, {"Location": "//[x"}, b""), "no address of the web"),
        ((200, XML, b"<?xml version='1.0' encoding='foo-9'?><urlset/>"), "no sitemap that can be read"),
        ((302, {"Location": "http://169.254.169.254/latest"}, b""), "it leads to another host"),
    ],
)
async def test_what_cannot_be_taken_is_named(site: Site, web: Web, answer: Answer, reason: str) -> None:
    site.pages["/page"] = answer

    [page] = await pages(web, f"{site.url}/page")

    assert reason in str(page.error)


async def test_a_page_that_is_too_large_is_given_up(site: Site, web: Web) -> None:
    site.pages["/page"] = (200, {**HTML, "Content-Encoding": "gzip"}, gzip.compress(b"a" * 50_000_000))

    assert "more than 1,000,000 bytes" in reasons(await pages(web, f"{site.url}/page"))[0]


async def test_a_sitemap_that_names_too_much_is_cut(site: Site, web: Web) -> None:
    site.pages = {
        "/sitemap.xml": (200, XML, site.sitemap(*(f"{site.url}/{n}" for n in range(20)))),
        **{f"/{n}": (200, HTML, b"page") for n in range(20)},
    }

    found = await pages(web, f"{site.url}/sitemap.xml")

    assert reasons(found) == ["the sitemap names more than 9 pages; the rest is left."]
    assert len([page for page in found if page.data]) == 9
    assert [page.partial for page in found if page.error] == [True]


async def test_a_sitemap_that_cannot_be_read_leaves_its_site_partial(site: Site, web: Web) -> None:
    index = site.sitemap(f"{site.url}/a.xml", f"{site.url}/b.xml", tag="sitemapindex")
    site.pages = {
        "/sitemap.xml": (200, XML, index),
        "/a.xml": (200, XML, site.sitemap(f"{site.url}/a", f"{site.url}/gone")),
        "/b.xml": (500, HTML, b""),
        "/a": (301, {"Location": "/moved"}, b""),
        "/moved": (200, HTML, b"A"),
    }

    found = await pages(web, f"{site.url}/sitemap.xml")

    assert [(page.url.removeprefix(site.url), page.partial) for page in found if page.error] == [
        ("/b.xml", True),
        ("/gone", False),
    ]
    assert [page.listed for page in found if page.data] == [f"{site.url}/a"]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "①②⑦.⓪.⓪.①",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "0.0.0.0",  # noqa: S104  # asked for, not bound
    ],
)
async def test_no_way_leads_inside(site: Site, host: str) -> None:
    site.pages["/secret"] = (200, HTML, b"secret")
    port = site.url.rpartition(":")[2]
    web = Web(limits=Limits(delay=0.0))

    [page] = await pages(web, f"http://{host}:{port}/secret")

    assert page.error is not None
    assert site.asked == []
    await web.aclose()


async def test_a_name_that_turns_inside_after_it_was_checked_is_not_followed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hostile name server: public at first, then inside; the address checked is the one connected to."""
    import asyncio

    answers = iter(["203.0.113.7", "127.0.0.1", "127.0.0.1"])
    asked: list[str] = []

    async def getaddrinfo(_: object, host: str, port: int, **__: object) -> list[Any]:
        asked.append(host)
        return [(2, 1, 6, "", (next(answers), port))]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    web = Web(limits=Limits(delay=0.0))

    [page] = await pages(web, f"http://turns.example:{site.url.rpartition(':')[2]}/secret")

    assert page.error is not None
    assert site.asked == []
    assert asked
    await web.aclose()


@pytest.mark.parametrize("url", ["ftp://example.org/x", "http:///x", "http://a:b@127.0.0.1/", "http://[x/"])
async def test_what_is_no_address_of_the_web_is_refused(web: Web, url: str) -> None:
    [page] = await pages(web, url)

    assert page.error is not None
    assert page.error.code == "bad_address"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("192.0.2.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("fe80::1", False),
        ("fec0::1", False),
        ("fc00::1", False),
        ("64:ff9b::8.8.8.8", False),
        ("2002:808:808::", False),
        ("2001:0:808:808::", False),
        ("::8.8.8.8", False),
    ],
)
def test_only_addresses_out_on_the_internet_are_public(address: str, *, public: bool) -> None:
    assert is_public(ip_address(address)) is public
