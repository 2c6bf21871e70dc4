"""What the metadata of a conversation may hold: JSON of a sensible size and depth, storable in PostgreSQL."""

import re

import msgspec

from domain.errors import ContentError

MAX_BYTES = 16_384
"""Bytes of JSON."""
MAX_DEPTH = 32
"""Lists and objects inside one another: far below what the JSON readers on the way can follow."""
MAX_NUMBER = 2**63
"""Numbers from here on do not survive the way: PostgreSQL gives 1e30 back as an integer of 31 digits."""
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""An encoded NUL character; a backslash of the text itself comes doubled."""


def checked_metadata(metadata: dict[str, object]) -> dict[str, object]:
    """Return the metadata, or raise `ContentError` for what is too large, too deep or cannot be stored."""
    layers = _layers(metadata)
    if len(layers) > MAX_DEPTH:
        raise ContentError("metadata_too_deep", f"metadata takes at most {MAX_DEPTH} levels of nesting.")
    if any(isinstance(one, int | float) and abs(one) >= MAX_NUMBER for layer in layers for one in layer):
        raise ContentError("metadata_number_too_large", "Send numbers of more than 18 digits as texts.")
    encoded = msgspec.json.encode(metadata)
    if len(encoded) > MAX_BYTES:
        raise ContentError("metadata_too_large", f"metadata takes at most {MAX_BYTES:,} bytes of JSON.")
    if NUL.search(encoded.decode()):
        raise ContentError("metadata_has_nul", "The metadata holds a NUL character. Remove it.")
    return metadata


def _layers(metadata: dict[str, object]) -> list[list[object]]:
    """The values at each depth, one depth more than is allowed at most."""
    layers = [_inside(metadata)]
    while len(layers) <= MAX_DEPTH and any(isinstance(item, dict | list) for item in layers[-1]):
        layers.append([inner for outer in layers[-1] for inner in _inside(outer)])
    return layers


def _inside(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
