"""Documents of other formats as Markdown: HTML, PDF, Word, and tables of questions and answers."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath

import mammoth  # type: ignore[import-untyped]  # has no stubs
import msgspec
from bs4 import BeautifulSoup
from markdownify import MarkdownConverter
from msgspec import Struct
from pypdf import PdfReader
from pypdf.errors import PyPdfError

from adapters.documents.archive import checked
from adapters.documents.limits import MAX_PAGES, MAX_ROWS
from domain.errors import DataFileError

UNSEEN = [
    "script",
    "style",
    "template",
    "noscript",
    "iframe",
    "object",
    "svg",
    "head",
    "nav",
    "footer",
    "form",
]
HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|opacity\s*:\s*0(?![.\d])", re.IGNORECASE
)
BROKEN = (
    PyPdfError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RecursionError,
    OSError,
    NotImplementedError,
)
"""What pypdf raises on PDFs that are not right."""
BLANK_LINES = re.compile(r"\n{3,}")
QUESTIONS = ("question", "title", "subject", "q")
ANSWERS = ("answer", "body", "content", "text", "a")


class Text(Struct, frozen=True):
    """A title, if the document names one, Markdown, and a remark for the report."""

    title: str
    body: str
    remark: str = ""


def from_html(data: bytes) -> Text:
    """What a reader of the page sees; scripts, menus and hidden text are left out. Raises `DataFileError`."""
    try:
        page = BeautifulSoup(data, "html.parser")
        title = page.title.get_text(" ", strip=True) if page.title else ""
        for element in page.find_all(UNSEEN):
            element.decompose()
        hidden = [element for element in page.find_all(name=True) if _is_hidden(element.attrs)]
        words = sum(len(element.get_text(" ").split()) for element in hidden if not element.decomposed)
        for element in hidden:
            if not element.decomposed:
                element.decompose()
        first = page.find("h1")
        title = (first.get_text(" ", strip=True) if first else "") or title
        if page.title:
            page.title.decompose()
        body = MarkdownConverter(heading_style="ATX").convert_soup(page)
    except RecursionError as error:
        raise DataFileError("too_deep", "its elements are nested too deeply.") from error
    remark = f"{words} words that the page hides were left out" if words else ""
    return Text(title, _tidy(body), remark)


def from_pdf(data: bytes) -> Text:
    """The text of each page. Raises `DataFileError` for one that is encrypted, broken or holds no text."""
    try:
        reader = PdfReader(io.BytesIO(data))
        closed = reader.is_encrypted and not reader.decrypt("")
        many = 0 if closed else len(reader.pages)
        pages = [page.extract_text() for page in reader.pages] if 0 < many <= MAX_PAGES else []
        title = str(reader.metadata.title or "") if pages and reader.metadata else ""
    except BROKEN as error:
        raise DataFileError("broken_pdf", f"it is no PDF that can be read ({error}).") from error
    if closed:
        raise DataFileError("encrypted", "it is encrypted; save a copy without a password.")
    if many > MAX_PAGES:
        raise DataFileError("too_many_pages", f"it has {many:,} pages; at most {MAX_PAGES:,} are read.")
    body = _tidy("\n\n".join(page.replace("\x00", "") for page in pages))
    if not body:
        what = "no text; scanned pages are not read" if pages else "no pages"
        raise DataFileError("no_text", f"it holds {what}.")
    return Text(title.strip(), body)


def from_docx(data: bytes) -> Text:
    """A Word document with its headings, lists and tables. Raises `DataFileError`."""
    checked(data)
    try:
        body = mammoth.convert_to_markdown(io.BytesIO(data)).value
    except Exception as error:
        raise DataFileError("broken_docx", f"it is no Word document that can be read ({error}).") from error
    body = _tidy(re.sub(r"\\([.()!#_-])", r"\1", body))
    if not body:
        raise DataFileError("no_text", "it holds no text.")
    return Text("", body)


def from_table(data: bytes, name: str) -> Iterator[Text]:
    """Questions and answers of a CSV or JSONL file, one article each. Raises `DataFileError`."""
    text = _decoded(data)
    rows = _json_lines(text) if PurePath(name).suffix.lower() == ".jsonl" else _csv(text)
    for number, row in enumerate(rows, 1):
        if number > MAX_ROWS:
            raise DataFileError("too_many_rows", f"it has more than {MAX_ROWS:,} rows. Split it.")
        lower = {str(key).strip().lower(): str(value or "").strip() for key, value in row.items() if key}
        question = next((lower[key] for key in QUESTIONS if lower.get(key)), "")
        answer = next((lower[key] for key in ANSWERS if lower.get(key)), "")
        if not question or not answer:
            said = (
                f"row {number} lacks a question or an answer; columns 'question' and 'answer' are expected."
            )
            raise DataFileError("bad_row", said)
        yield Text(question, answer)


def _csv(text: str) -> Iterator[Mapping[str, object]]:
    try:
        dialect = csv.Sniffer().sniff(text[:10_000], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    try:
        yield from csv.DictReader(io.StringIO(text, newline=""), dialect=dialect, strict=True)
    except csv.Error as error:
        raise DataFileError("bad_csv", f"it is no table ({error}).") from error


def _json_lines(text: str) -> Iterator[Mapping[str, object]]:
    decoder = msgspec.json.Decoder(dict[str, object])
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield decoder.decode(line)
            except msgspec.DecodeError as error:
                raise DataFileError("bad_line", f"line {number}: {error}.") from error


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataFileError("not_utf8", f"it is not UTF-8 (byte {error.start}). Save it as UTF-8.") from error


def _is_hidden(attributes: Mapping[str, object]) -> bool:
    style = str(attributes.get("style", ""))
    return "hidden" in attributes or attributes.get("aria-hidden") == "true" or bool(HIDDEN.search(style))


def _tidy(text: str) -> str:
    lines = (line.rstrip() for line in text.replace("\r\n", "\n").splitlines())
    return BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()
