"""Rules of the house that no linter knows: purity, lengths, docstrings, data files."""

import ast
import statistics
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
LAYERS = ("domain", "ports", "adapters", "entrypoints", "dashboard")
TOP_LEVEL = {"domain", "ports", "adapters", "entrypoints", "dashboard", "tests", "ops"}
IMPURE = {
    "asyncio",
    "logging",
    "random",
    "secrets",
    "time",
    "os",
    "socket",
    "subprocess",
    "pathlib",
    "io",
    "threading",
    "uuid4",
}
MAX_FUNCTION = 50
MAX_MODULE = 320


def modules(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (alias.name for alias in node.names)


def test_the_domain_has_no_clock_ids_randomness_or_io() -> None:
    impure = [
        f"{path}: {name}"
        for path, tree in modules("domain")
        for name in imported(tree)
        if name.partition(".")[0] in IMPURE
    ]

    assert impure == []


def test_the_domain_is_synchronous_and_reads_no_clock() -> None:
    found = [
        f"{path}:{node.lineno}"
        for path, tree in modules("domain")
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncFunctionDef | ast.Await)
        or (isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today"})
    ]

    assert found == []


def test_functions_are_short() -> None:
    lengths = [length(f) for _, tree in modules(*LAYERS) for f in functions(tree)]
    longest = [
        f"{path}:{f.lineno} {f.name} has {length(f)} lines"
        for path, tree in modules(*LAYERS)
        for f in functions(tree)
        if length(f) > MAX_FUNCTION
    ]

    assert longest == []
    assert statistics.median(lengths) <= 8
    assert statistics.quantiles(lengths, n=10)[-1] <= 26


def test_modules_are_short() -> None:
    long = [
        f"{path}: {lines}"
        for path, _ in modules(*LAYERS)
        if (lines := len((ROOT / path).read_text(encoding="utf-8").splitlines())) > MAX_MODULE
    ]

    assert long == []


def test_every_module_says_what_it_knows() -> None:
    silent = [str(path) for path, tree in modules(*LAYERS, "tests") if not ast.get_docstring(tree)]

    assert silent == []


def test_every_port_operation_is_abstract_and_described() -> None:
    silent = [
        f"{path}:{node.lineno} {node.name}.{f.name}"
        for path, tree in modules("ports/outbound")
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "Protocol" for base in node.bases)
        for f in node.body
        if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef)
        and (
            not ast.get_docstring(f)
            or "abstractmethod" not in {ast.unparse(decorator) for decorator in f.decorator_list}
        )
    ]

    assert silent == []


def test_ports_are_small() -> None:
    large = [
        f"{path} {node.name}"
        for path, tree in modules("ports/outbound")
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and any(ast.unparse(base) == "Protocol" for base in node.bases)
        and sum(isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef) for f in node.body) > 4
    ]

    assert large == []


def test_errors_are_named_errors() -> None:
    wrong = [
        f"{path} {node.name}"
        for path, tree in modules("domain")
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and any(ast.unparse(base).endswith(("Error", "Exception")) for base in node.bases)
        and not node.name.endswith("Error")
    ]

    assert wrong == []


def test_every_lint_exception_has_its_reason() -> None:
    bare = [
        f"{path}:{number}"
        for path, _ in modules(*LAYERS, "tests", "ops")
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), 1)
        for mark in ("# noqa:", "# type: ignore[")
        if mark in line and "  # " not in line.split(mark, 1)[1]
        if path != Path(__file__).relative_to(ROOT)
    ]

    assert bare == []


def test_the_top_of_the_tree_is_the_customers() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    folders = {line.split("/")[0] for line in listed.splitlines() if "/" in line}

    assert {folder for folder in folders if not folder.startswith(".")} == TOP_LEVEL


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_lock_files_pin_hashes_and_name_no_address(lock: str) -> None:
    text = (ROOT / "ops" / lock).read_text(encoding="utf-8")
    pins = [line for line in text.splitlines() if "==" in line]

    assert "http://" not in text
    assert "https://" not in text
    assert text.count("--hash=sha256:") > len(pins) > 80
