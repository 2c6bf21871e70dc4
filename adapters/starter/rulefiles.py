"""Rule sets as files for git: YAML or JSON in, YAML out."""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from domain.errors import DataFileError
from domain.rules.facts import RuleError
from domain.rules.ruleset import MAX_SOURCE

MAX_YAML = 4_194_304
"""Bytes of a YAML file; JSON may be larger, being read faster."""
MAX_DEPTH = 100
UNWANTED = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool"}


class _Loader(yaml.SafeLoader):
    """YAML as JSON has it: no aliases, no times, and only true and false are booleans ('no' is Norwegian)."""

    def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401  # PyYAML's own signature
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]  # PyYAML is untyped here
            raise RuleError(
                "no_aliases", f"line {event.start_mark.line + 1}: a rule file has no YAML aliases."
            )
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag not in UNWANTED]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), list("tf"))


def read_file(path: Path) -> object:
    """The data of a rule file, JSON by its suffix and YAML otherwise. Raises `DataFileError`, `RuleError`."""
    try:
        size = path.stat().st_size
        limit = MAX_SOURCE if path.suffix == ".json" else MAX_YAML
        if size > limit:
            raise RuleError("too_large", f"{path}: {size:,} bytes; at most {limit:,} are read.")
        source = path.read_bytes()
    except OSError as error:
        raise DataFileError("unreadable", f"{path}: {error.strerror or error}.") from error
    return read_source(source, str(path), as_json=path.suffix == ".json")


def read_source(source: bytes, name: str, *, as_json: bool) -> object:
    """The same for bytes at hand."""
    try:
        raw = msgspec.json.decode(source) if as_json else yaml.load(source, _Loader)  # noqa: S506  # a safe loader
    except RuleError as error:
        raise RuleError(error.code, f"{name}, {error}") from error
    except (msgspec.DecodeError, yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        said = " ".join(str(error).split())[:300] or "it nests too deep"
        raise RuleError("bad_file", f"{name}: {said}.") from error
    _plain(raw, name, 0)
    return raw


def to_yaml(raw: object) -> str:
    """A rule set as YAML that `read_source` reads back as the same data."""
    return yaml.dump(raw, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


class _Dumper(yaml.SafeDumper):
    """Writes no aliases, and quotes what a YAML 1.1 reader would take for something else."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002  # PyYAML's own signature
        return True


def _plain(value: object, name: str, depth: int) -> None:
    """Refuse what JSON has no word for."""
    if depth > MAX_DEPTH:
        raise RuleError("too_deep", f"{name}: it nests deeper than {MAX_DEPTH}.")
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise RuleError("bad_file", f"{name}: the key {key!r} is no text; put it in quotes.")
            _plain(item, name, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _plain(item, name, depth + 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise RuleError("bad_value", f"{name}: {value} is no number that a rule can hold.")
    elif value is not None and not isinstance(value, str | bool | int | float):
        raise RuleError("bad_file", f"{name}: {value!r} is nothing that a rule can hold; put it in quotes.")
