"""Reading and checking data files: articles, intents, rules, texts, lexicon, cues, thresholds.

A file that is not right raises `DataFileError` naming the file, the line where it is known, and the mend.
"""

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from babel import Locale, UnknownLocaleError
from babel.messages.pofile import PoFileError, read_po
from msgspec import Struct
from msgspec.structs import replace

from domain.calendar import Calendar
from domain.clarify import Facet
from domain.confidence import Thresholds
from domain.errors import DataFileError
from domain.ids import ArticleId
from domain.nlu.cues import Cues, phrases_pattern
from domain.nlu.entities import EntityType, Gazetteer
from domain.nlu.intents import Intent
from domain.nlu.sentiment import Lexicon
from domain.plan import ResponseType
from domain.prompt import Template
from domain.retrieval.asked import Abbreviations
from domain.retrieval.passages import Article, checked_article
from domain.retrieval.scope import EVERYONE, Reach
from domain.rules.facts import Fact, Schema
from domain.rules.ruleset import RuleSet, parse_ruleset
from domain.texts import ENGLISH, Catalogue, Texts

DATA = Path(__file__).parent / "data"
FENCE = "+++"
LINE = re.compile(r"at line (\d+)")
MIN_UTTERANCES = 15
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

T = TypeVar("T")
BRACES = re.compile(r"\{\w+\}")


class FrontMatter(Struct, frozen=True, forbid_unknown_fields=True):
    """The head of an article."""

    id: str
    title: str
    category: str
    product: str = "Platform"
    api_versions: str = "all"
    error_codes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    version: str = ""
    language: str = "en"
    audience: str = EVERYONE
    groups: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_until: date | None = None
    asked: tuple[str, ...] = ()


def read_article(path: Path) -> Article:
    """Read a Markdown article with TOML front matter between +++ lines. Raises `DataFileError`."""
    return parse_article(read_text(path), path)


def parse_article(text: str, path: Path) -> Article:
    """The same for a text at hand; `path` is for messages."""
    lines = text.splitlines()
    if not lines or lines[0].strip() != FENCE:
        raise DataFileError("no_front_matter", f"{path}:1: an article begins with a line '{FENCE}'.")
    end = next((n for n, line in enumerate(lines[1:], 1) if line.strip() == FENCE), None)
    if end is None:
        raise DataFileError(
            "no_front_matter", f"{path}:{len(lines)}: the front matter has no closing '{FENCE}'."
        )
    head = _typed(_toml("\n".join(lines[1:end]), path, offset=1), FrontMatter, path)
    body = "\n".join(lines[end + 1 :]).strip()
    if not body:
        raise DataFileError(
            "empty_article", f"{path}:{end + 1}: the article has no text below its front matter."
        )
    article = Article(
        ArticleId(head.id),
        head.title,
        head.category,
        body,
        head.product,
        head.api_versions,
        head.error_codes,
        head.sources,
        Reach(head.version, head.language, head.audience, head.groups, head.valid_from, head.valid_until),
        asked=head.asked,
    )
    try:
        return checked_article(article)
    except DataFileError as error:
        raise DataFileError(error.code, f"{path}: {error}") from error


def articles(folder: Path = DATA / "articles") -> list[Article]:
    """All articles below a folder. Raises `DataFileError` for a broken one or an id used twice."""
    found: dict[str, Path] = {}
    read: list[Article] = []
    for path in sorted(folder.rglob("*.md")):
        article = read_article(path)
        if article.id in found:
            raise DataFileError(
                "duplicate_article", f"{path}: the id '{article.id}' is already used by {found[article.id]}."
            )
        found[article.id] = path
        read.append(article)
    return read


def intents() -> list[Intent]:
    """The intent taxonomy with its utterances. Raises `DataFileError`."""
    found: dict[str, Intent] = {}
    for path in sorted((DATA / "intents").glob("*.toml")):
        if path.stem == "out_of_scope":
            continue
        for intent in _typed(_read_toml(path).get("intent", []), list[Intent], path):
            _check_intent(intent, path, found)
            found[intent.name] = intent
    return list(found.values())


def out_of_scope() -> list[str]:
    """Messages that are none of the intents: outliers for training."""
    return _typed(_read_toml(DATA / "intents" / "out_of_scope.toml")["utterances"], list[str], DATA)


class Labelled(Struct, frozen=True):
    """A message of the evaluation set, written apart from the utterances; 'out_of_scope' is no intent."""

    text: str
    intent: str


def evaluation(name: str, kind: type[T]) -> list[T]:
    """A file of the evaluation data, one JSON object a line. Raises `DataFileError` naming the line."""
    path = DATA / "evaluation" / f"{name}.jsonl"
    return [_line(line, kind, f"{path}, line {number}") for number, line in enumerate(path.open("rb"), 1)]


def affect(kind: type[T]) -> list[T]:
    """Examples of feelings to learn from. Raises `DataFileError` naming the line."""
    return [
        _line(line, kind, f"{path}, line {number}")
        for path in sorted((DATA / "affect").glob("*.jsonl"))
        for number, line in enumerate(path.open("rb"), 1)
    ]


def _line(line: bytes, kind: type[T], where: str) -> T:
    try:
        return msgspec.json.decode(line, type=kind)
    except msgspec.DecodeError as error:
        raise DataFileError("bad_line", f"{where}: {error}.") from error


@lru_cache(maxsize=1)
def schema() -> Schema:
    """The standard facts of rules."""
    path = DATA / "rules" / "facts.toml"
    return Schema(_typed(_read_toml(path).get("fact", []), list[Fact], path))


def prompt(name: str = "answer") -> Template:
    """A prompt for language models."""
    path = DATA / "prompts" / f"{name}.toml"
    found = _typed(_read_toml(path), Template, path)
    return replace(found, system=found.system.strip())


def rules(path: Path = DATA / "rules" / "starter.json") -> tuple[RuleSet, bytes]:
    """The starter rule set, compiled, and its source."""
    source = read_text(path).encode()
    return parse_ruleset(source, path.name, schema()), source


def texts() -> Catalogue:
    """The fixed texts of every language. Raises `DataFileError` naming the text that is not right."""
    english = _catalogue(DATA / "texts" / f"{ENGLISH}.po", None)
    found = {path.stem: _catalogue(path, english) for path in sorted((DATA / "texts").glob("*.po"))}
    return Catalogue(found)


def _catalogue(path: Path, english: Texts | None) -> Texts:
    """One gettext catalogue; the context of a message is the name of its text."""
    try:
        with path.open("rb") as file:
            catalog = read_po(file, abort_invalid=True)
    except (OSError, PoFileError, UnknownLocaleError, ValueError) as error:
        raise DataFileError("bad_catalogue", f"{path}: {error}.") from error
    found = {str(message.context): str(message.string) for message in catalog if message.context}
    for name, text in found.items():
        original = text if english is None else getattr(english, name, "")
        if not text or set(BRACES.findall(text)) != set(BRACES.findall(str(original))):
            raise DataFileError("bad_text", f"{path}: '{name}' is empty or lacks a name in braces: {text!r}.")
    right_to_left = Locale.parse(str(catalog.locale_identifier)).text_direction == "rtl"
    return _typed({**found, "language": path.stem, "right_to_left": right_to_left}, Texts, path)


def thresholds() -> Thresholds:
    """The relevance model."""
    path = DATA / "thresholds.toml"
    return _typed(_read_toml(path), Thresholds, path)


def calendar() -> Calendar:
    """When support is open, unless a tenant says otherwise."""
    path = DATA / "calendar.toml"
    raw = _read_toml(path)
    opens = [raw.get(day) or None for day in WEEKDAYS]
    return _typed({"zone": raw.get("zone"), "opens": opens}, Calendar, path)


def lexicon() -> Lexicon:
    """The sentiment lexicon."""
    path = DATA / "sentiment.toml"
    return _typed(_read_toml(path), Lexicon, path)


def cues() -> Cues:
    """Signals and kinds of issue."""
    path = DATA / "cues.toml"
    raw = _read_toml(path)
    for section, fact in (("signals", "signals"), ("issue_types", "issue_type")):
        for name in raw[section]:
            known = schema().facts[fact].values
            if name not in known:
                raise DataFileError("unknown_name", f"{path}: [{section}] has no '{name}'; it takes {known}.")
    return Cues(raw["signals"], raw["issue_types"], raw["scope"])


def facets() -> tuple[Facet, ...]:
    """What tells similar problems apart. Raises `DataFileError`."""
    path = DATA / "facets.toml"
    raw = _typed(_read_toml(path), dict[str, dict[str, list[str]]], path)
    return tuple(
        Facet(name, {value: phrases_pattern(phrases) for value, phrases in values.items()})
        for name, values in raw.items()
    )


def abbreviations() -> Abbreviations:
    """What is written short, and what it stands for. Raises `DataFileError`."""
    path = DATA / "abbreviations.toml"
    return Abbreviations(_typed(_read_toml(path)["shortened"], dict[str, str], path))


def first_names() -> frozenset[str]:
    """First names of people, a line each."""
    lines = read_text(DATA / "first_names.txt").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def gazetteer() -> Gazetteer:
    """Known products, objects, organisations and first names."""
    path = DATA / "gazetteer.toml"
    names: dict[str, tuple[EntityType, str]] = {}
    for kind, listed in _read_toml(path).items():
        for value, forms in listed.items():
            names.update({form.lower(): (EntityType(kind), value) for form in (value, *forms)})
    return Gazetteer(names, first_names())


def read_text(path: Path) -> str:
    """A UTF-8 file. Raises `DataFileError` when it cannot be read or is not text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataFileError(
            "not_text", f"{path}: not UTF-8 text (byte {error.start}). Save it as UTF-8."
        ) from error
    except OSError as error:
        raise DataFileError("unreadable", f"{path}: cannot be read ({error.strerror}).") from error


def _check_intent(intent: Intent, path: Path, found: Mapping[str, Intent]) -> None:
    if intent.name in found:
        raise DataFileError("duplicate_intent", f"{path}: the intent '{intent.name}' is defined twice.")
    if intent.response_type not in set(ResponseType):
        raise DataFileError(
            "bad_intent", f"{path}: '{intent.name}' has response_type '{intent.response_type}'."
        )
    if intent.issue_type not in schema().facts["issue_type"].values:
        raise DataFileError("bad_intent", f"{path}: '{intent.name}' has issue_type '{intent.issue_type}'.")
    if len(intent.utterances) < MIN_UTTERANCES:
        raise DataFileError(
            "few_utterances",
            f"{path}: '{intent.name}' has {len(intent.utterances)} utterances, needs {MIN_UTTERANCES}.",
        )


def _read_toml(path: Path) -> dict[str, Any]:
    return _toml(read_text(path), path)


def _toml(text: str, path: Path, offset: int = 0) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = LINE.search(str(error))
        line = (int(match.group(1)) if match else len(text.splitlines())) + offset
        reason = LINE.sub("", str(error)).replace("()", "").strip()
        raise DataFileError("bad_toml", f"{path}:{line}: {reason}.") from error


def _typed(value: object, kind: type[T], path: Path) -> T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise DataFileError("bad_value", f"{path}: {error}.") from error
