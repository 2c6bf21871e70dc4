"""Articles, the passages cut from them, and hits."""

from msgspec import Struct

from domain.ids import ArticleId


class Article(Struct, frozen=True):
    """One document of knowledge. `body` is Markdown; `sources` says what its facts rest on."""

    id: ArticleId
    title: str
    category: str
    body: str
    product: str = "Platform"
    api_versions: str = "all"
    error_codes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


class Passage(Struct, frozen=True):
    """A piece of an article that can be shown alone as an answer: its opening or one section.

    `number` counts from 0 within the article; `body` is Markdown.
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

    @property
    def id(self) -> str:
        """'article#number', unique within a tenant."""
        return f"{self.article}#{self.number}"

    @property
    def text(self) -> str:
        """What is indexed: title, heading, error codes and body."""
        return "\n".join(
            part for part in (self.title, self.heading, " ".join(self.error_codes), self.body) if part
        )


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
