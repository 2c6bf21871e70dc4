"""Articles, the passages cut from them, and hits."""

import hashlib
import re

import msgspec
from msgspec import Struct

from domain.errors import DataFileError
from domain.ids import ArticleId, ContentHash
from domain.message import refuse_unstorable
from domain.retrieval.scope import AUDIENCES, Labels, Reach
from domain.versions import parse_versions

MAX_TITLE, MAX_LABEL, MAX_ASKED = 500, 100, 20
LANGUAGE = re.compile(r"[a-z]{2,3}")


class Article(Struct, frozen=True):
    """One document of knowledge. `body` is Markdown; `sources` says what its facts rest on.

    `api_versions` as `domain.versions.parse_versions` reads them; `flags` are doubts to show a reviewer;
    `asked` is how customers put what the article answers: it helps to find the article, and is never said.
    """

    id: ArticleId
    title: str
    category: str
    body: str
    product: str = "Platform"
    api_versions: str = "all"
    error_codes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    reach: Reach = Reach()
    flags: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()

    @property
    def content_hash(self) -> ContentHash:
        """SHA-256 of everything in the article."""
        return ContentHash(hashlib.sha256(msgspec.json.encode(self)).hexdigest())


def checked_article(article: Article) -> Article:
    """The article, or `DataFileError` or `ContentError` with what is wrong and the mend."""
    reach = article.reach
    if not article.title.strip() or len(article.title) > MAX_TITLE:
        raise DataFileError("bad_title", f"a title has 1 to {MAX_TITLE} characters.")
    if not article.body.strip():
        raise DataFileError("empty_article", "the article has no text.")
    for name, value in (("category", article.category), ("product", article.product)):
        if not value.strip() or len(value) > MAX_LABEL:
            raise DataFileError(f"bad_{name}", f"a {name} has 1 to {MAX_LABEL} characters.")
    if reach.audience not in AUDIENCES:
        raise DataFileError("bad_audience", f"audience is one of {', '.join(AUDIENCES)}.")
    if not LANGUAGE.fullmatch(reach.language):
        raise DataFileError("bad_language", f"'{reach.language}' is no language code, as 'en' or 'pt' is.")
    if reach.valid_from and reach.valid_until and reach.valid_until < reach.valid_from:
        raise DataFileError("bad_dates", "valid_until is before valid_from.")
    parse_versions(article.api_versions)
    labels = (article.category, article.product, reach.version, *reach.groups, *article.error_codes)
    if len(article.asked) > MAX_ASKED or any(len(one) > MAX_TITLE for one in article.asked):
        raise DataFileError(
            "bad_asked", f"asked are at most {MAX_ASKED} texts of up to {MAX_TITLE} characters."
        )
    said = (article.title, article.body, *labels, *article.sources, *article.asked)
    refuse_unstorable("".join(said), "article")
    return article


class Passage(Struct, frozen=True):
    """A piece of an article that can be shown alone as an answer: its opening or one section.

    `number` counts from 0 within the article; `heading` is the path of headings above, outermost first,
    joined by ' > '; `body` is Markdown; `anchor` stays the same while other sections change; `asked` is how
    customers ask for it.
    """

    article: ArticleId
    number: int
    title: str
    heading: str
    body: str
    category: str
    product: str = "Platform"
    api_versions: str = "all"
    error_codes: tuple[str, ...] = ()
    reach: Reach = Reach()
    anchor: str = ""
    asked: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """'article#anchor', unique within a tenant."""
        return f"{self.article}#{self.anchor or self.number}"

    @property
    def text(self) -> str:
        """What may be said of it: title, heading, error codes and body."""
        return "\n".join(
            part for part in (self.title, self.heading, " ".join(self.error_codes), self.body) if part
        )

    @property
    def indexed(self) -> str:
        """What it is found by: its text, and how customers ask for it."""
        return "\n".join((self.text, *self.asked))

    @property
    def labels(self) -> Labels:
        """What a scope looks at."""
        return self.reach, self.product, self.api_versions


class Hit(Struct, frozen=True):
    """A passage found.

    `score` in 0..1 is fused within this result; `cosine` in -1..1 and `coverage` in 0..1 (share of the
    question's information, by inverse document frequency, that the passage holds) are absolute.
    """

    passage: Passage
    score: float
    bm25: float
    cosine: float
    coverage: float
