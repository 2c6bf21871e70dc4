"""`casepilot ingest`: documents into knowledge."""

import asyncio
from pathlib import Path

from msgspec import Struct

from adapters.documents.read import Labels, Remark, read_documents
from adapters.starter import loader
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
    removed: int
    skipped: list[Remark]
    remarks: list[Remark]


def ingest(paths: list[str], data: Path, labels: Labels, *, sync: bool = False) -> Report:
    """Read, embed and store; with `sync` forget what is gone. Raises `DataFileError` for unreadable paths."""
    for path in paths:
        if "://" in path:
            raise DataFileError(
                "no_addresses", f"{path}: web addresses cannot be read; save the page and give the file."
            )
    taken = read_documents([Path(path) for path in paths], labels, loader.parse_article)
    within = tuple(f"file:{path}" for path in paths) if sync else ()
    spared = tuple(f"file:{remark.path}" for remark in taken.skipped)
    with progress() as bar:
        task = bar.add_task("Starting", total=None)

        def step(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total or None)

        with reachable(data, step) as settings:
            done = asyncio.run(_store(settings, taken.articles, (within, spared), step))
    return Report(
        done.added, done.replaced, done.unchanged, done.passages, done.removed, taken.skipped, taken.remarks
    )


async def _store(
    settings: Settings, articles: list[Article], sources: tuple[tuple[str, ...], ...], step: Step
) -> Ingested:
    async with open_app(settings) as app:
        hashed = [(article, loader.content_hash(article)) for article in articles]
        command = Ingest(DEMO_ORGANIZATION, hashed, *sources)
        return await app.ingest(command, lambda done, total: step("Reading", done, total))
