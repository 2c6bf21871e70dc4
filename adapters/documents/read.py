"""Files, folders and archives into articles; what cannot be taken is named with its reason."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePath

import msgspec
from msgspec import Struct

from adapters.documents import archive
from adapters.documents.convert import Text, from_docx, from_html, from_pdf, from_table
from adapters.documents.limits import MAX_BINARY, MAX_LINE, MAX_TEXT
from domain.errors import DataFileError, DomainError
from domain.ids import ArticleId
from domain.message import refuse_unstorable
from domain.retrieval.passages import Article

CONVERTERS: Mapping[str, Callable[[bytes], Text]] = {
    ".html": from_html,
    ".htm": from_html,
    ".pdf": from_pdf,
    ".docx": from_docx,
}
TABLES = frozenset({".csv", ".jsonl"})
PLAIN = frozenset({".md", ".markdown", ".txt"})
ARCHIVE = ".zip"
KINDS = ", ".join(sorted({*CONVERTERS, *TABLES, *PLAIN, ARCHIVE}))
TITLE = re.compile(r"^#\s+(.+?)\s*$", re.MULTILINE)
FENCE = "+++"
MAX_TITLE = 500

Head = Callable[[str, Path], Article]
"""Reads an article of our own form from its text and name; given, so that this adapter knows no other."""


class Labels(Struct, frozen=True):
    """What to say of documents that do not say it themselves; None keeps their own word."""

    category: str | None = None
    product: str | None = None
    api_versions: str | None = None


class Remark(Struct, frozen=True):
    """A file that was not taken, or not whole, and why."""

    path: str
    reason: str


class Taken(Struct, frozen=True):
    """Articles, files that were skipped, and remarks on files that were taken."""

    articles: list[Article]
    skipped: list[Remark]
    remarks: list[Remark]


def read_documents(paths: Iterable[Path], labels: Labels, head: Head) -> Taken:
    """Read files and folders.

    Raises `DataFileError` for a path that does not exist or a folder with nothing in it.
    """
    taken, known = Taken([], [], []), set[str]()
    for path in paths:
        for file in _files(path):
            for name, data in _contents(file):
                _take(name, data, labels, head, taken, known)
    return taken


def _take(
    name: str, data: bytes | DataFileError, labels: Labels, head: Head, taken: Taken, known: set[str]
) -> None:
    """Read one document whole, or none of it."""
    try:
        if isinstance(data, DataFileError):
            raise data
        found = [(_labelled(article, labels), remark) for article, remark in _articles(name, data, head)]
    except DomainError as error:
        taken.skipped.append(Remark(name, str(error).removeprefix(f"{name}:")))
        return
    for article, remark in found:
        if article.id in known:
            taken.skipped.append(Remark(name, f"the id '{article.id}' is used by another file"))
            continue
        known.add(article.id)
        taken.articles.append(article)
        if remark:
            taken.remarks.append(Remark(name, remark))


def _contents(file: Path) -> Iterator[tuple[str, bytes | DataFileError]]:
    """A file's name and content, or those of the files in an archive."""
    suffix = file.suffix.lower()
    limit = MAX_TEXT if suffix in PLAIN | TABLES else MAX_BINARY
    try:
        size = file.stat().st_size
        data = file.read_bytes() if size <= limit else b""
    except OSError as error:
        yield str(file), DataFileError("unreadable", f"it cannot be read ({error.strerror}).")
        return
    if size > limit:
        yield str(file), DataFileError("too_large", f"it has {size:,} bytes; at most {limit:,} are read.")
    elif suffix != ARCHIVE:
        yield str(file), data
    else:
        try:
            for name, content in archive.files(data):
                yield f"{file}/{name}", content
        except DataFileError as error:
            yield str(file), error


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


def _articles(name: str, data: bytes, head: Head) -> Iterator[tuple[Article, str]]:
    suffix = PurePath(name).suffix.lower()
    if suffix in TABLES:
        for number, row in enumerate(from_table(data, name), 1):
            yield _plain(f"{name}#{number}", row.title, row.body), ""
    elif suffix in CONVERTERS:
        text = CONVERTERS[suffix](data)
        yield _plain(name, text.title, text.body), text.remark
    elif suffix in PLAIN:
        yield _own(name, _text(data), head), ""
    else:
        kind = suffix or name
        raise DataFileError("unknown_kind", f"'{kind}' is not a kind of document that can be read ({KINDS}).")


def _own(name: str, text: str, head: Head) -> Article:
    if text.startswith(FENCE):
        return head(text, Path(name))
    match = TITLE.search(text)
    body = text.replace(match.group(0), "", 1).strip() if match else text.strip()
    return _plain(name, match.group(1) if match else "", body or text.strip())


def _text(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        said = f"it is not UTF-8 text (byte {error.start}). Save it as UTF-8."
        raise DataFileError("not_utf8", said) from error
    if max(map(len, text.splitlines()), default=0) > MAX_LINE:
        raise DataFileError("no_lines", f"a line has more than {MAX_LINE:,} characters.")
    return text


def _plain(name: str, title: str, body: str) -> Article:
    """A document without front matter: its path is its identity, and its title where it has none."""
    refuse_unstorable(body, "document")
    refuse_unstorable(title, "document")
    if not body.strip():
        raise DataFileError("empty_article", "it is empty.")
    path = name.partition("#")[0]
    title = title or PurePath(path).stem.replace("-", " ").replace("_", " ").capitalize()
    digest = hashlib.sha256(str(Path(name).resolve()).encode()).hexdigest()[:12]
    return Article(ArticleId(f"DOC-{digest}"), title[:MAX_TITLE], "general", body, sources=(f"file:{path}",))


def _labelled(article: Article, labels: Labels) -> Article:
    changes = {name: value for name, value in msgspec.structs.asdict(labels).items() if value is not None}
    return msgspec.structs.replace(article, **changes)
