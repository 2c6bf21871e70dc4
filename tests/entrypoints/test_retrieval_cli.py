"""Ranking quality on a small folder in BEIR's format."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from entrypoints.cli import app
from tests.conftest import CACHE

CORPUS = {
    "d1": ("Passwords", "Click the link below the login form to reset a forgotten password."),
    "d2": ("Flows", "A flow that fails sends an email with the element and its fault message."),
    "d3": ("Reports", "Group rows by owner to count the records of each."),
}
QUERIES = {"q1": "forgotten password", "q2": "my automation stopped with a fault", "q3": "not judged"}


def a_folder(path: Path, judgements: str = "q1\td1\t1\nq2\td2\t2\n") -> Path:
    corpus = [{"_id": key, "title": title, "text": text} for key, (title, text) in CORPUS.items()]
    queries = [{"_id": key, "text": text} for key, text in QUERIES.items()]
    for name, rows in (("corpus", corpus), ("queries", queries)):
        (path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (path / "qrels").mkdir()
    (path / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{judgements}")
    return path


def run(folder: Path, *more: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["eval", "retrieval", "--data", str(folder), "--cache", str(CACHE), *more])
    return done.exit_code, done.stdout, done.stderr


def test_words_meaning_and_both_are_measured(tmp_path: Path) -> None:
    code, out, _ = run(a_folder(tmp_path), "--json")

    found = json.loads(out)
    assert (code, found["documents"], found["queries"]) == (0, 3, 2)
    assert found["hybrid"].pop("ms_p50") > 0
    assert found["hybrid"] == {"ndcg@10": 100.0, "recall@10": 100.0, "recall@100": 100.0}
    assert set(found) >= {"bm25", "vectors"}


def test_people_read_a_table(tmp_path: Path) -> None:
    _, out, _ = run(a_folder(tmp_path))

    assert [line.split()[0] for line in out.splitlines()[2:5]] == ["bm25", "vectors", "hybrid"]


@pytest.mark.parametrize("judgements", ["q1\td1\n", "q1\td1\tgood\n", "q9\td1\t1\n"])
def test_judgements_that_are_not_right_are_told_in_one_line(judgements: str, tmp_path: Path) -> None:
    code, _, said = run(a_folder(tmp_path, judgements))

    assert (code, said.count("\n")) == (2, 1)


def test_a_folder_without_files_is_told(tmp_path: Path) -> None:
    code, _, said = run(tmp_path)

    assert code == 2
    assert "test.tsv" in said
