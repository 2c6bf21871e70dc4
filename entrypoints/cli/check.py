"""`casepilot apex` and `casepilot soql`: what is wrong with code."""

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from adapters.salesforce.describe import read_describe
from adapters.starter.salesforce import standard_schema
from domain.errors import DataFileError
from domain.salesforce.checking import Checked, checked
from domain.salesforce.errors import Explained
from domain.salesforce.schema import Schema
from domain.salesforce.soql.check import LATEST, check_soql, corrected
from entrypoints.cli.output import show, show_json

STANDARD_INPUT = "-"
MAX_NAME = 255
"""Characters of the name of a file; what is longer is a query."""
VERSION = re.compile(r"<apiVersion>\s*(\d{1,3})\.0")


class _Line(Struct, frozen=True):
    q: str


def schema_with(describes: Sequence[Path]) -> Schema:
    """The standard objects with those of describes, files or folders of them. Raises `DataFileError`."""
    files = [one for path in describes for one in (sorted(path.glob("*.json")) if path.is_dir() else [path])]
    standard = standard_schema()
    return standard.with_described([read_describe(file) for file in files]) if files else standard


def queries_of(path: Path) -> Iterator[str]:
    """One query a line, plain or as JSON with `q`; '-' is standard input. Raises `DataFileError`."""
    for number, line in enumerate(code_of(path).splitlines(), 1):
        if not line.strip():
            continue
        if not line.lstrip().startswith("{"):
            yield line
            continue
        try:
            yield msgspec.json.decode(line, type=_Line).q
        except msgspec.DecodeError as error:
            raise DataFileError("bad_line", f"{path}, line {number}: {error}.") from error


def asked_for(query: str) -> list[str]:
    """A query itself, or those of the file that it names. Raises `DataFileError`."""
    path = Path(query)
    return list(queries_of(path)) if len(query) < MAX_NAME and path.is_file() else [query]


def judged_query(query: str, schema: Schema, *, in_apex: bool) -> Checked:
    """What is found in a query, and the query mended if it has errors."""
    found = checked(check_soql(query, schema, in_apex=in_apex), q=query)
    return found if found.ok else replace(found, corrected=corrected(query, schema, in_apex=in_apex))


def code_of(path: Path) -> str:
    """The text of a file; '-' is standard input. Raises `DataFileError`."""
    try:
        data = sys.stdin.buffer.read() if str(path) == STANDARD_INPUT else path.read_bytes()
        return data.decode()
    except OSError as error:
        raise DataFileError("unreadable", f"{path}: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise DataFileError("no_text", f"{path} is no UTF-8 text: {error}.") from error


def report(items: Sequence[Checked], *, as_json: bool) -> bool:
    """Print each item; whether all are without an error."""
    for item in items:
        if as_json:
            show_json(item)
        else:
            _print(item)
    return all(item.ok for item in items)


def _print(item: Checked) -> None:
    title = item.file or item.q or ""
    if not item.findings:
        show(f"{title}: nothing found")
        return
    show(title)
    for one in item.findings:
        show(f"  {one.line}:{one.column}  {one.severity:<7}  {one.rule}: {one.message}")
        if one.fix:
            show(f"      {one.fix}")
    if item.corrected:
        show(f"  mended: {item.corrected}")


def version_of(path: Path) -> int:
    """The API version of a class: that of the `-meta.xml` beside it, else the latest."""
    meta = path.with_name(f"{path.name}-meta.xml")
    found = VERSION.search(meta.read_text(encoding="utf-8")) if meta.is_file() else None
    return int(found[1]) if found else LATEST


def pasted(text: str) -> str:
    """A text itself, or that of the file that it names. Raises `DataFileError`."""
    path = Path(text) if len(text) < MAX_NAME else None
    named = path is not None and (text == STANDARD_INPUT or path.is_file())
    return code_of(path) if path is not None and named else text


def report_errors(found: Sequence[Explained], *, as_json: bool) -> None:
    """Print each error with its cause and mend."""
    if as_json:
        show_json(found)
        return
    for one in found:
        show(f"{one.code}{f': {one.said}' if one.said else ''}")
        show(f"  why   {one.cause or 'This error is not in our catalogue.'}")
        details = (("mend", one.fix), ("check", one.check), ("fields", ", ".join(one.fields)))
        for label, said in details:
            if said:
                show(f"  {label:<5} {said}")
        for place in one.places[:1]:
            show(f"  at    {place.where}, line {place.line}, column {place.column}")
    if not found:
        show("No error of Salesforce is in this text.")
