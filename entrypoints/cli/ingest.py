"""`casepilot ingest`: documents into knowledge."""

import asyncio
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import msgspec
from msgspec import Struct

from adapters.documents.read import Document, Labels, Remark, on_disk, read_documents
from adapters.salesforce.knowledge import KnowledgeReader
from adapters.starter import loader
from adapters.web import Web
from domain.errors import DataFileError
from domain.retrieval.passages import Article
from domain.retrieval.scope import EVERYONE, STAFF
from domain.versions import EVERY, parse_versions
from entrypoints.bootstrap import open_app
from entrypoints.cli.output import progress, show
from entrypoints.embedded import DEMO_ORGANIZATION, Step, reachable
from entrypoints.settings import Settings, salesforce_token, trusted_hosts
from ports.errors import Refused
from ports.inbound.ingest import Ingest, Ingested

SALESFORCE = "salesforce://"
"""What the address of an org's Knowledge begins with."""


class Report(Struct, frozen=True):
    """What became of the documents."""

    added: int
    replaced: int
    unchanged: int
    passages: int
    removed: int
    skipped: list[Remark]
    remarks: list[Remark]


def ingest(paths: list[str], data: Path, labels: Labels, *, sync: bool = False) -> Report:
    """Read, embed and store; with `sync` forget what is gone. Raises `DataFileError` for unreadable paths."""
    parse_versions(labels.api_versions or EVERY)
    urls = [path for path in paths if "://" in path]
    files = [path for path in paths if "://" not in path]
    with progress() as bar:
        task = bar.add_task("Reading", total=None)
        fetching = _fetched(urls, lambda url: bar.update(task, description=f"Fetching {url[:60]}"))
        pages, partial = asyncio.run(fetching)
        taken = read_documents(chain(on_disk(map(Path, files)), pages), labels, loader.parse_article)
        within = tuple(f"{_scheme(path)}:{path}" for path in paths) if sync else ()
        spared = tuple(f"{_scheme(path)}:{path}" for path in [*partial, *(one.path for one in taken.skipped)])

        def step(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total or None)

        with reachable(data, step) as settings:
            done = asyncio.run(_store(settings, taken.articles, (within, spared), step))
    titles = {article.id: article.title for article in taken.articles}
    kept = [
        Remark(f"{titles[one]} ({one})", "people edited it here; their text is left as it is.")
        for one in done.kept
    ]
    return Report(
        done.added,
        done.replaced,
        done.unchanged,
        done.passages,
        done.removed,
        taken.skipped,
        [*taken.remarks, *kept],
    )


def print_report(found: Report) -> None:
    """What became of the documents, for people."""
    show(
        f"{found.added} added, {found.replaced} replaced, {found.unchanged} unchanged, "
        f"{found.removed} removed, {found.passages} passages stored, {len(found.skipped)} skipped"
    )
    for remark in found.remarks:
        show(f"  note    {remark.path}: {remark.reason}")
    for remark in found.skipped:
        show(f"  skipped {remark.path}: {remark.reason}")


def labelled(more: list[str], **given: str | None) -> Labels:
    """Labels from options and from NAME=VALUE. Raises `DataFileError` for an unknown name or a bad value."""
    found: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    for one in more:
        name, equals, value = one.partition("=")
        if not equals or name not in Labels.__struct_fields__:
            names = ", ".join(Labels.__struct_fields__)
            raise DataFileError("bad_label", f"--label {one}: write NAME=VALUE with one of {names}.")
        found[name] = [part.strip() for part in value.split(",")] if name == "groups" else value
    try:
        return msgspec.convert(found, Labels)
    except msgspec.ValidationError as error:
        raise DataFileError("bad_label", f"--label: {error}.") from error


async def _fetched(urls: list[str], step: Callable[[str], None]) -> tuple[list[Document], list[str]]:
    """The pages at these addresses and those that their sitemaps name; the addresses not read whole."""
    found: list[Document] = []
    partial = []
    web = Web(trusted_hosts())
    try:
        for url in urls:
            if url.startswith(SALESFORCE):
                found += await _from_salesforce(url, step)
                continue
            async for page in web.pages(url):
                step(page.url)
                places = dict.fromkeys(f"url:{one}" for one in (page.url, page.listed, url))
                found.append(Document(page.url, page.kind, page.url, tuple(places), page.error or page.data))
                if page.partial:
                    partial.append(url)
    finally:
        await web.aclose()
    return found, partial


async def _from_salesforce(url: str, step: Callable[[str], None]) -> list[Document]:
    """The published articles of an org."""
    host = url.removeprefix(SALESFORCE).strip("/")
    token = salesforce_token()
    if not token:
        raise Refused("CASEPILOT_SALESFORCE_TOKEN is not set; an access token of the org is needed.")
    found = []
    async with KnowledgeReader(f"https://{host}", token) as reader:
        async for one in reader.articles():
            name = f"{url}/{one.number}"
            step(name)
            audience = EVERYONE if one.everyone else STAFF
            labels = Labels(version=one.version, language=one.language, audience=audience)
            identity = f"{host}/{one.id}/{one.language}"
            found.append(Document(name, ".html", identity, (f"url:{name}", f"url:{url}"), one.html, labels))
    return found


def _scheme(path: str) -> str:
    return "url" if "://" in path else "file"


async def _store(
    settings: Settings, articles: list[Article], sources: tuple[tuple[str, ...], tuple[str, ...]], step: Step
) -> Ingested:
    async with open_app(settings) as app:
        within, spared = sources
        command = Ingest(DEMO_ORGANIZATION, articles, within, spared)
        return await app.ingest(command, lambda done, total: step("Reading", done, total))
