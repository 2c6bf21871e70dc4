"""Training and measuring on a small data set in CLINC150's format."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from domain.errors import DataFileError
from entrypoints.cli import app
from entrypoints.models import read_model
from tests.conftest import CACHE

TOPICS = {
    "flow": "my flow {} fails with a fault at the screen",
    "report": "build a report on accounts {} by owner",
    "login": "I forgot the password of user {} and cannot log in",
}


def a_data_set(path: Path) -> Path:
    pairs = [[text.format(n), intent] for intent, text in TOPICS.items() for n in range(8)]
    tests = [[text.format(f"number {n}"), intent] for intent, text in TOPICS.items() for n in range(4)]
    far = [[f"boil {n} eggs and add salt", "oos"] for n in range(6)]
    path.write_text(json.dumps({"train": pairs, "val": [], "test": tests, "oos_train": far, "oos_test": far}))
    return path


def test_a_data_set_is_trained_on_and_measured(tmp_path: Path) -> None:
    data = a_data_set(tmp_path / "data.json")

    done = CliRunner().invoke(
        app, ["eval", "nlu", "--data", str(data), "--cache", str(CACHE), "--json", "--shots", "6"]
    )

    found = json.loads(done.stdout)
    assert (found["intents"], found["training_messages"], found["outliers_for_training"]) == (3, 18, 6)
    assert found["evaluation"]["accuracy"] == 100.0
    assert found["evaluation"]["unknown_recall"] == {"3%": 100.0, "5%": 100.0}
    assert 0 < found["ms_p50"] <= found["ms_p95"]


@pytest.mark.parametrize(
    "content", ["[1, 2", '{"train": [["a", "x"]], "test": []}', '{"train": 3, "test": []}']
)
def test_a_file_of_another_format_is_told_in_one_line(content: str, tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    path.write_text(content)

    done = CliRunner().invoke(app, ["eval", "nlu", "--data", str(path), "--cache", str(CACHE)])

    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert "data.json" in done.stderr


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    path.write_bytes(b"PK\x03\x04 not a model")

    with pytest.raises(DataFileError, match="no intent model"):
        read_model(path)


def test_what_is_understood_is_measured_by_type() -> None:
    found = json.loads(CliRunner().invoke(app, ["eval", "understanding", "--json"]).stdout)
    said = CliRunner().invoke(app, ["eval", "understanding"]).stdout

    assert len(found["entities"]) == 9
    assert found["entities"]["DATE"]["f1"] > 90
    assert found["entity_f1"] > 65
    assert found["languages"] >= 50
    assert found["language_right"] > 90
    assert "macro-F1" in said
