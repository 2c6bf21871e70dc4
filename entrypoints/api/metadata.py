"""What the metadata of a conversation may hold: JSON of a sensible size and depth, storable in PostgreSQL."""

import re

import msgspec

from domain.errors import ContentError

MAX_BYTES = 16_384
"""Bytes of JSON."""
MAX_DEPTH = 32
"""Lists and objects inside one another: far below what the JSON readers on the way can follow."""
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""An encoded NUL character; a backslash of the text itself comes doubled."""


def checked_metadata(metadata: dict[str, object]) -> dict[str, object]:
    """Return the metadata, or raise `ContentError` for what is too large, too deep or holds NUL."""
    if _deeper_than(metadata, MAX_DEPTH):
        raise ContentError("metadata_too_deep", f"metadata takes at most {MAX_DEPTH} levels of nesting.")
    encoded = msgspec.json.encode(metadata)
    if len(encoded) > MAX_BYTES:
        raise ContentError("metadata_too_large", f"metadata takes at most {MAX_BYTES:,} bytes of JSON.")
    if NUL.search(encoded.decode()):
        raise ContentError("metadata_has_nul", "The metadata holds a NUL character. Remove it.")
    return metadata


def _deeper_than(value: object, levels: int) -> bool:
    found = [value]
    for _ in range(levels):
        found = [inner for outer in found for inner in _inside(outer)]
    return any(isinstance(item, dict | list) for item in found)


def _inside(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
