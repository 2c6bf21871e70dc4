"""Each import contract is shown to break by a deliberate violation, in a copy of the tree."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
VIOLATIONS = {
    "layers": ("domain/rogue.py", "import ports.errors\n"),
    "pure-domain": ("domain/rogue.py", "import sqlalchemy\n"),
    "plain-ports": ("ports/outbound/rogue.py", "import redis\n"),
    "adapters-apart": ("adapters/redis/rogue.py", "import adapters.postgres.engine\n"),
    "no-use-cases-in-adapters": ("adapters/redis/rogue.py", "import ports.inbound.start\n"),
    "dashboard-speaks-http": ("dashboard/rogue.py", "import entrypoints.bootstrap\n"),
    "one-importer-rank-bm25": ("domain/retrieval/rogue.py", "import rank_bm25\n"),
    "one-importer-faiss": ("domain/retrieval/rogue.py", "import faiss\n"),
    "one-importer-datalogic-py": ("domain/rules/rogue.py", "import datalogic_py\n"),
    "one-importer-tree-sitter": ("domain/nlu/rogue.py", "import tree_sitter\n"),
    "one-importer-sklearn": ("domain/nlu/rogue.py", "import sklearn\n"),
}
PROGRAM = """
import sys
from importlinter.cli import lint_imports
sys.exit(lint_imports(limit_to_contracts=({!r},)))
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the layers without data and caches."""
    copy = tmp_path_factory.mktemp("tree")
    for layer in ("domain", "ports", "adapters", "entrypoints", "dashboard"):
        ignore = shutil.ignore_patterns("__pycache__", "data", "page")
        shutil.copytree(ROOT / layer, copy / layer, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


def lint(tree: Path, contract: str) -> int:
    command = [sys.executable, "-c", PROGRAM.format(contract)]
    environment = {"PYTHONPATH": str(tree), "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, check=False).returncode


def test_every_contract_has_a_violation_here() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    contracts = {line.split('"')[1] for line in text.splitlines() if line.startswith('id = "')}

    assert contracts == set(VIOLATIONS)


@pytest.mark.parametrize("contract", sorted(VIOLATIONS))
def test_a_violation_breaks_its_contract(tree: Path, contract: str) -> None:
    place, statement = VIOLATIONS[contract]
    rogue = tree / place

    kept = lint(tree, contract)
    rogue.write_text(f'"""A violation."""\n\n{statement}', encoding="utf-8")
    broken = lint(tree, contract)
    rogue.unlink()

    assert kept == 0
    assert broken == 1
