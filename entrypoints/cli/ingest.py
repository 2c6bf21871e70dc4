"""`casepilot ingest`: documents into knowledge."""

import asyncio
from pathlib import Path

from msgspec import Struct

from adapters.starter import loader
from adapters.starter.documents import Labels, Skipped, read_documents
from domain.errors import DataFileError
from domain.retrieval.passages import Article
from entrypoints.bootstrap import open_app
from entrypoints.cli.output import progress
from entrypoints.embedded import DEMO_ORGANIZATION, Step, reachable
from entrypoints.settings import Settings
from ports.inbound.ingest import Ingest, Ingested


class Report(Struct, frozen=True):
    """What became of the documents."""

    added: int
    replaced: int
    unchanged: int
    passages: int
    skipped: list[Skipped]


def ingest(paths: list[str], data: Path, labels: Labels) -> Report:
    """Read, embed and store. Raises `DataFileError` for paths that cannot be read at all."""
    for path in paths:
        if "://" in path:
            raise DataFileError(
                "no_addresses", f"{path}: web addresses cannot be read; save the page and give the file."
            )
    articles, skipped = read_documents([Path(path) for path in paths], labels)
    with progress() as bar:
        task = bar.add_task("Starting", total=None)

        def step(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total or None)

        with reachable(data, step) as settings:
            done = asyncio.run(_store(settings, articles, step))
    return Report(done.added, done.replaced, done.unchanged, done.passages, skipped)


async def _store(settings: Settings, articles: list[Article], step: Step) -> Ingested:
    async with open_app(settings) as app:
        command = Ingest(DEMO_ORGANIZATION, [(article, loader.content_hash(article)) for article in articles])
        return await app.ingest(command, lambda done, total: step("Reading", done, total))
