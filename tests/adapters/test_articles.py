"""The starter articles: complete, readable, apart from one another, and right where a machine can tell."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from statistics import median

import textstat  # type: ignore[import-untyped]  # has no stubs
from msgspec.structs import replace

from adapters.starter.loader import articles, gazetteer
from domain.answer import write
from domain.nlu.entities import EntityFinder
from domain.nlu.text import terms
from domain.retrieval.chunking import blocks, is_code, is_numbered, passages
from domain.retrieval.passages import Article
from domain.versions import parse_versions
from tests.builders import a_hit

LEAST_ARTICLES, LEAST_OF_A_FAMILY = 320, 6
FAMILIES = {
    "login and access": ("login",),
    "password and MFA": ("password",),
    "users and permissions": ("permissions", "setup"),
    "sharing and security": ("sharing",),
    "reports and dashboards": ("reports",),
    "data import and export": ("data",),
    "objects and fields": ("objects",),
    "validation rules": ("validation",),
    "flow": ("flow", "automation"),
    "process builder and workflow": ("workflow",),
    "approvals": ("approvals",),
    "email": ("email",),
    "Lightning UI": ("lightning",),
    "LWC and Aura": ("lwc",),
    "Apex errors": ("apex",),
    "Apex limits": ("apex-limits",),
    "Apex testing": ("apex-testing",),
    "SOQL errors": ("soql",),
    "SOQL optimisation": ("soql-optimisation",),
    "REST": ("rest", "api"),
    "SOAP": ("soap",),
    "Bulk": ("bulk",),
    "streaming and platform events": ("events",),
    "metadata deploy": ("deploy",),
    "sfdx and sf CLI": ("cli",),
    "sandboxes and packaging": ("sandbox",),
    "billing and licensing": ("billing",),
    "Service Cloud cases": ("case",),
    "Knowledge": ("knowledge",),
    "Experience Cloud": ("experience",),
    "mobile": ("mobile",),
    "OAuth and integration": ("oauth",),
    "storage and limits": ("storage",),
    "other": ("other",),
}
WORDS = range(110, 520)
"""Words of an article without its code."""
EASY = 60.0
"""Flesch reading ease (Flesch, 1948): plain English begins here."""
HARDEST = 45.0
"""No article of ours is harder than this; the newer ones are above `EASY` each."""
CODE = re.compile(r"[A-Z]+(?:_[A-Z]+)+")
LINK = re.compile(
    r"https?://(?!(?:[\w{}<>.-]+\.)?(?:salesforce|s?force|example)\.com|schemas\.xmlsoap\.org)[\w.-]+\.\w+"
)
KNOWN_VERSIONS = range(7, 69)
MARK = re.compile(r" ?\[\d\]")
SHINGLE, ALIKE = 3, 0.35
"""Words in a row, and the share of them in common from which two articles are one."""

ARTICLES = articles()


def prose_of(article: Article) -> str:
    """What people read: no code, headings, marks or error codes."""
    text = "\n".join(block for block in blocks(article.body) if not is_code(block))
    for code in article.error_codes:
        text = text.replace(code, "it")
    text = re.sub(r"^#+ .*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"^\s*(\d+\.|[-*])\s+", "", text, flags=re.MULTILINE)
    return re.sub(r"`[^`]*`|\"[^\"]*\"", "it", text)


def ease(text: str) -> float:
    return float(textstat.flesch_reading_ease(text))


def shingles(article: Article) -> frozenset[tuple[str, ...]]:
    words = terms(article.body)
    return frozenset(tuple(words[start : start + SHINGLE]) for start in range(len(words) - SHINGLE))


def ids(found: Sequence[Article]) -> list[str]:
    return [article.id for article in found]


def test_there_are_enough_in_every_family() -> None:
    counts = Counter(article.category for article in ARTICLES)
    families = {name: sum(counts[one] for one in folders) for name, folders in FAMILIES.items()}

    assert len(ARTICLES) >= LEAST_ARTICLES
    assert {name: count for name, count in families.items() if count < LEAST_OF_A_FAMILY} == {}
    assert set(counts) <= {one for folders in FAMILIES.values() for one in folders}


def test_titles_are_apart() -> None:
    titles = Counter(article.title.casefold() for article in ARTICLES)

    assert [title for title, count in titles.items() if count > 1] == []


def test_no_two_articles_say_the_same() -> None:
    said = {article.id: shingles(article) for article in ARTICLES}

    twins = [
        (one, other)
        for one, other in combinations(said, 2)
        if len(said[one] & said[other]) > ALIKE * min(len(said[one]), len(said[other]))
    ]
    assert twins == []


def test_they_have_a_length_that_people_read() -> None:
    lengths = {article.id: len(prose_of(article).split()) for article in ARTICLES}

    assert {one: words for one, words in lengths.items() if words not in WORDS} == {}


def test_they_are_easy_to_read() -> None:
    easiness = {article.id: ease(prose_of(article)) for article in ARTICLES}
    newer = {one: value for one, value in easiness.items() if int(one.rpartition("-")[2]) > 100}

    assert {one: value for one, value in newer.items() if value < EASY - 1} == {}
    assert {one: value for one, value in easiness.items() if value < HARDEST} == {}


def test_answers_made_of_them_are_easy_to_read() -> None:
    found = []
    for article in ARTICLES:
        hits = [a_hit(passage) for passage in passages(article)[:3]]
        draft = write(article.title, hits, wants_steps=True, wants_code=False)
        found.append(ease(prose_of(replace(article, body=MARK.sub("", draft.text)))))

    easy = sum(value >= EASY for value in found)
    assert easy >= 0.85 * len(found)
    assert median(found) >= EASY + 5


def test_each_says_what_its_facts_rest_on_and_gives_steps() -> None:
    newer = [article for article in ARTICLES if int(article.id.rpartition("-")[2]) > 100]

    assert ids([article for article in ARTICLES if not article.sources]) == []
    assert ids([a for a in newer if not any(is_numbered(block) for block in blocks(a.body))]) == []


def test_links_lead_nowhere_but_to_salesforce_and_examples() -> None:
    found = {article.id: LINK.findall(article.body) for article in ARTICLES if LINK.search(article.body)}

    assert found == {}
    assert ids([article for article in ARTICLES if "](" in prose_of(article)]) == []


def test_versions_exist() -> None:
    for article in ARTICLES:
        for low, high in parse_versions(article.api_versions).spans:
            assert low in KNOWN_VERSIONS or low <= 1, article.id
            assert high in KNOWN_VERSIONS or high > 68, article.id


def test_error_codes_are_recognised_in_a_message() -> None:
    finder = EntityFinder(gazetteer())
    codes = {code for article in ARTICLES for code in article.error_codes if CODE.fullmatch(code)}

    found = {code: [one.value for one in finder.find(f"It fails with {code} since today")] for code in codes}

    assert len(codes) > 60
    assert {code: values for code, values in found.items() if code not in values} == {}
