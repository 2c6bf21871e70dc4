"""Files, folders and archives into articles; what cannot be taken is named with its reason."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path, PurePath

import msgspec
from msgspec import Struct

from adapters.documents import archive
from adapters.documents.convert import Text, from_docx, from_html, from_pdf, from_table
from adapters.documents.limits import MAX_BINARY, MAX_LINE, MAX_TEXT
from domain.errors import DataFileError, DomainError
from domain.ids import ArticleId
from domain.message import refuse_unstorable
from domain.retrieval.doubts import flags
from domain.retrieval.passages import MAX_TITLE, Article, checked_article
from domain.retrieval.scope import Reach
from domain.versions import EVERY, release_of

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
RELEASE_NOTES = re.compile(r"\brelease notes?\b|\bwhat's new\b", re.IGNORECASE)

Head = Callable[[str, Path], Article]
"""Reads an article of our own form from its text and name; given, so that this adapter knows no other."""


class Labels(Struct, frozen=True):
    """What to say of documents that do not say it themselves; None keeps their own word."""

    category: str | None = None
    product: str | None = None
    api_versions: str | None = None
    version: str | None = None
    language: str | None = None
    audience: str | None = None
    groups: tuple[str, ...] | None = None
    valid_from: date | None = None
    valid_until: date | None = None


class Remark(Struct, frozen=True):
    """A file that was not taken, or not whole, and why."""

    path: str
    reason: str


class Taken(Struct, frozen=True):
    """Articles, files that were skipped, and remarks on files that were taken."""

    articles: list[Article]
    skipped: list[Remark]
    remarks: list[Remark]


class Document(Struct, frozen=True):
    """A file or a page with its content, or why there is none.

    `identity` makes the id of an article that has none of its own; `kind` is a file's suffix; `labels` are
    what its source says of it.
    """

    name: str
    kind: str
    identity: str
    sources: tuple[str, ...]
    data: bytes | DataFileError
    labels: Labels = Labels()


def on_disk(paths: Iterable[Path]) -> Iterator[Document]:
    """Files, folders and what is in archives.

    Raises `DataFileError` for a path that does not exist or a folder with nothing in it.
    """
    for path in paths:
        for file in _files(path):
            for name, data in _contents(file):
                kind = PurePath(name).suffix.lower()
                yield Document(name, kind, str(Path(name).resolve()), (f"file:{name}",), data)


def read_documents(documents: Iterable[Document], labels: Labels, head: Head) -> Taken:
    """Read each document whole, or none of it."""
    taken, known = Taken([], [], []), set[str]()
    for one in documents:
        try:
            found = [
                _finished(_labelled(_labelled(article, one.labels), labels), remark)
                for article, remark in _articles(one, head)
            ]
        except DomainError as error:
            taken.skipped.append(Remark(one.name, str(error).removeprefix(f"{one.name}:").strip()))
            continue
        for article, remark in found:
            if article.id in known:
                taken.skipped.append(Remark(one.name, f"the id '{article.id}' is used by another file"))
                continue
            known.add(article.id)
            taken.articles.append(article)
            if remark:
                taken.remarks.append(Remark(one.name, remark))
    return taken


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


def _articles(one: Document, head: Head) -> Iterator[tuple[Article, str]]:
    if isinstance(one.data, DataFileError):
        raise one.data
    if one.kind in TABLES:
        for number, row in enumerate(from_table(one.data, one.name), 1):
            yield _plain(one, row.title, row.body, f"#{number}"), ""
    elif one.kind in CONVERTERS:
        text = CONVERTERS[one.kind](one.data)
        yield _plain(one, text.title, text.body), text.remark
    elif one.kind in PLAIN:
        yield _own(one, _text(one.data), head), ""
    else:
        kind = one.kind or one.name
        raise DataFileError("unknown_kind", f"'{kind}' is not a kind of document that can be read ({KINDS}).")


def _own(one: Document, text: str, head: Head) -> Article:
    if text.startswith(FENCE):
        article = head(text, Path(one.name))
        return msgspec.structs.replace(article, sources=(*article.sources, *one.sources))
    match = TITLE.search(text)
    body = text.replace(match.group(0), "", 1).strip() if match else text.strip()
    return _plain(one, match.group(1) if match else "", body or text.strip())


def _text(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        said = f"it is not UTF-8 text (byte {error.start}). Save it as UTF-8."
        raise DataFileError("not_utf8", said) from error
    if max(map(len, text.splitlines()), default=0) > MAX_LINE:
        raise DataFileError("no_lines", f"a line has more than {MAX_LINE:,} characters.")
    return text


def _plain(one: Document, title: str, body: str, part: str = "") -> Article:
    """A document without front matter: where it lies is its identity, and its title where it has none."""
    refuse_unstorable(body, "document")
    refuse_unstorable(title, "document")
    if not body.strip():
        raise DataFileError("empty_article", "it is empty.")
    stem = PurePath(one.name).stem.replace("-", " ").replace("_", " ").capitalize()
    digest = hashlib.sha256(f"{one.identity}{part}".encode()).hexdigest()[:12]
    title = (title or stem)[:MAX_TITLE]
    return Article(
        ArticleId(f"DOC-{digest}"), title, "general", body, api_versions=_release(title), sources=one.sources
    )


def _release(title: str) -> str:
    """Release notes hold from their release on; of other documents nothing is known."""
    version = release_of(title) if RELEASE_NOTES.search(title) else None
    return f"{version}+" if version else EVERY


def _labelled(article: Article, labels: Labels) -> Article:
    said = {name: value for name, value in msgspec.structs.asdict(labels).items() if value is not None}
    reach = {name: value for name, value in said.items() if name in Reach.__struct_fields__}
    own = {name: value for name, value in said.items() if name not in reach}
    return msgspec.structs.replace(article, **own, reach=msgspec.structs.replace(article.reach, **reach))


def _finished(article: Article, remark: str) -> tuple[Article, str]:
    """The article as it is stored: checked, and doubted where a reviewer should look."""
    article = msgspec.structs.replace(article, flags=flags(article.body))
    said = [remark] if remark else []
    said += [f"flagged for review: {flag}" for flag in article.flags]
    return checked_article(article), "; ".join(said)
