"""The starter content is right, and what is not right is named with file, line and mend."""

from pathlib import Path

import pytest

from adapters.starter import loader
from domain.errors import DataFileError
from domain.nlu.text import terms

GOOD = '+++\nid = "KB-1"\ntitle = "A title"\ncategory = "login"\n+++\n\nText.\n'


def test_there_is_enough_to_be_useful() -> None:
    articles, intents, (rules, _) = loader.articles(), loader.intents(), loader.rules()

    assert len(articles) >= 60
    assert len(intents) >= 40
    assert all(len(intent.utterances) >= 15 for intent in intents)
    assert len(rules.rules) >= 12
    assert len(loader.out_of_scope()) >= 100


def test_every_article_says_what_it_rests_on() -> None:
    assert [a.id for a in loader.articles() if not a.sources or not a.api_versions] == []


def test_no_utterance_teaches_two_intents() -> None:
    said = [" ".join(terms(u)) for intent in loader.intents() for u in set(intent.utterances)]

    assert len(said) - len(set(said)) <= len(said) // 100


def test_every_rule_has_examples_that_fire_and_that_do_not() -> None:
    ruleset, _ = loader.rules()

    for rule in ruleset.rules:
        assert {example.fires for example in rule.examples} == {True, False}, rule.id


def test_the_other_files_load() -> None:
    assert loader.texts().of().greeting
    assert 0 < loader.thresholds().hint < loader.thresholds().floor < 1
    assert len(loader.lexicon().valence) > 300
    assert loader.gazetteer().names["opportunities"][1] == "Opportunity"
    assert loader.cues().signals("I will call my lawyer") == ("legal_threat",)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("No front matter", ":1:", "begins with a line '+++'"),
        ('+++\nid = "KB-1"\n', ":2:", "no closing '+++'"),
        ('+++\nid = "KB-1"\ntitle = \n+++\nText', ":3:", "Invalid value"),
        ('+++\nid = "KB-1"\n+++\nText', "", "missing required field `title`"),
        (
            '+++\nid = "K"\ntitle = "T"\ncategory = "c"\ncolour = "red"\n+++\nText',
            "",
            "unknown field `colour`",
        ),
        ('+++\nid = "K"\ntitle = "T"\ncategory = "c"\n+++\n', ":5:", "no text below"),
    ],
)
def test_a_broken_article_is_named_with_its_line(tmp_path: Path, text: str, place: str, words: str) -> None:
    path = tmp_path / "broken.md"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(DataFileError) as wrong:
        loader.read_article(path)

    assert f"{path}{place}" in str(wrong.value)
    assert words in str(wrong.value)


def test_a_duplicate_article_names_both_files(tmp_path: Path) -> None:
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text(GOOD, encoding="utf-8")

    with pytest.raises(DataFileError) as wrong:
        loader.articles(tmp_path)

    assert "a.md" in str(wrong.value)
    assert "b.md" in str(wrong.value)


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "binary.md"
    path.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(DataFileError, match="not UTF-8"):
        loader.read_text(path)


def test_fixed_texts_are_there_in_fifty_languages_and_know_their_direction() -> None:
    catalogue = loader.texts()

    assert len(catalogue.languages) >= 50
    assert {code for code, texts in catalogue.languages.items() if texts.right_to_left} == {
        "ar",
        "fa",
        "he",
        "ur",
    }
    english = catalogue.of("en")
    same = [code for code, texts in catalogue.languages.items() if texts.decline == english.decline]
    assert same == ["en"]


@pytest.mark.parametrize(
    ("tag", "language"),
    [("pt-BR", "pt"), ("nb_NO", "no"), ("zh-Hant-TW", "zh"), ("xx", "en"), (None, "en"), (7, "en")],
)
def test_a_language_tag_finds_its_catalogue(tag: object, language: str) -> None:
    assert loader.texts().of(tag).language == language


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ('msgctxt "decline"\nmsgid "x"\nmsgstr ""\n', "decline"),
        ('msgctxt "handoff"\nmsgid "x"\nmsgstr "{a}"\n', "handoff"),
    ],
)
def test_a_catalogue_that_is_not_right_is_named(
    entry: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "texts").mkdir()
    english = (loader.DATA / "texts" / "en.po").read_text(encoding="utf-8")
    (tmp_path / "texts" / "en.po").write_text(english, encoding="utf-8")
    german = f'msgid ""\nmsgstr "Language: de\\n"\n\n{entry}'
    (tmp_path / "texts" / "de.po").write_text(german, encoding="utf-8")
    monkeypatch.setattr(loader, "DATA", tmp_path)

    with pytest.raises(DataFileError, match=words):
        loader.texts()
