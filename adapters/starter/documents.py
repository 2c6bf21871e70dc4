"""Documents of a company, read into articles; what cannot be taken is named with its reason."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from adapters.starter.loader import FENCE, read_article, read_text
from domain.errors import DataFileError, DomainError
from domain.ids import ArticleId
from domain.message import refuse_unstorable
from domain.retrieval.passages import Article

SUFFIXES = frozenset({".md", ".markdown", ".txt"})
TITLE = re.compile(r"^#\s+(.+?)\s*$", re.MULTILINE)
MAX_BYTES = 5_000_000


class Labels(Struct, frozen=True):
    """What to say of documents that do not say it themselves; None keeps their own word."""

    category: str | None = None
    product: str | None = None
    api_versions: str | None = None


class Skipped(Struct, frozen=True):
    """A file that was not taken, and why."""

    path: str
    reason: str


def read_documents(paths: Iterable[Path], labels: Labels) -> tuple[list[Article], list[Skipped]]:
    """Read files and folders.

    Raises `DataFileError` for a path that does not exist or a folder with nothing in it.
    """
    articles: dict[str, Article] = {}
    skipped: list[Skipped] = []
    for path in paths:
        for file in _files(path):
            article = _read(file, labels)
            if isinstance(article, Skipped):
                skipped.append(article)
            elif article.id in articles:
                skipped.append(Skipped(str(file), f"the id '{article.id}' is used by another file"))
            else:
                articles[article.id] = article
    return list(articles.values()), skipped


def _files(path: Path) -> Iterator[Path]:
    if not path.exists():
        raise DataFileError("no_such_path", f"{path}: there is no such file or folder.")
    if path.is_file():
        yield path
        return
    try:
        found = sorted(file for file in path.rglob("*") if file.is_file())
    except OSError as error:
        raise DataFileError("unreadable", f"{path}: cannot be read ({error.strerror}).") from error
    if not found:
        raise DataFileError("empty_folder", f"{path}: the folder has no files.")
    yield from found


def _read(file: Path, labels: Labels) -> Article | Skipped:
    if file.suffix.lower() not in SUFFIXES:
        return Skipped(str(file), f"'{file.suffix or file.name}' is not a kind of document that can be read")
    try:
        if file.stat().st_size > MAX_BYTES:
            return Skipped(str(file), f"larger than {MAX_BYTES:,} bytes")
        text = read_text(file)
        article = read_article(file) if text.startswith(FENCE) else _plain(file, text)
    except DomainError as error:
        return Skipped(str(file), str(error))
    changes = {name: value for name, value in msgspec.structs.asdict(labels).items() if value is not None}
    return msgspec.structs.replace(article, **changes)


def _plain(file: Path, text: str) -> Article:
    """A document without front matter: its first heading or file name is the title, its path the identity."""
    refuse_unstorable(text, "document")
    if not text.strip():
        raise DataFileError("empty_article", f"{file}:1: the file is empty.")
    match = TITLE.search(text)
    title = match.group(1) if match else file.stem.replace("-", " ").replace("_", " ").capitalize()
    digest = hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:12]
    body = text.replace(match.group(0), "", 1).strip() if match else text.strip()
    return Article(ArticleId(f"DOC-{digest}"), title[:500], "general", body or text.strip())
