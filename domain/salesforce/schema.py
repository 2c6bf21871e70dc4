"""Objects with their fields and relationships, as far as they are known."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache

import msgspec
from msgspec import Struct

CUSTOM = re.compile(r"__[a-z]+$", re.IGNORECASE)
"""What custom names end in: __c, __r, __mdt, __e, __x, __b, __kav, __pc, __s, ..."""
ANY = "*"
"""One of several objects: the parent of a polymorphic lookup."""
NAME = "Name"
"""The object whose fields every parent of a polymorphic lookup has."""
ALIKE = 0.75
"""Similarity, 0..1, from which another name may be meant (difflib's ratio)."""


class SObject(Struct, frozen=True):
    """One object: kinds of its fields, objects of its parent and child relationships.

    `complete` says that all of them are there, custom ones too, as the org itself described the object.

    Kinds are text, long text, id, boolean, number, integer, date, datetime, time, blob, address, location
    and any.
    """

    name: str
    fields: Mapping[str, str] = {}
    parents: Mapping[str, str] = {}
    children: Mapping[str, str] = {}
    indexed: frozenset[str] = frozenset()
    complete: bool = False


class Known(Struct, frozen=True):
    """An object ready for look-ups: lower-case name to name and kind, or name and object."""

    name: str
    fields: Mapping[str, tuple[str, str]]
    parents: Mapping[str, tuple[str, str]]
    children: Mapping[str, tuple[str, str]]
    indexed: frozenset[str]
    complete: bool


class Traits(Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of fields besides their kinds, and of objects besides their fields.

    `indexed` are fields of all objects, `indexed_of` and `long_text` of single ones; `elsewhere` are objects
    whose fields are not known; `more_fields` and `more_parents` come with features.
    """

    indexed: tuple[str, ...] = ()
    indexed_of: Mapping[str, tuple[str, ...]] = {}
    long_text: Mapping[str, tuple[str, ...]] = {}
    elsewhere: tuple[str, ...] = ()
    more_fields: Mapping[str, Mapping[str, str]] = {}
    more_parents: Mapping[str, Mapping[str, str]] = {}


class Schema:
    """Objects by name, upper and lower case alike; each is decoded when it is first asked for."""

    def __init__(self, encoded: Mapping[str, bytes], traits: Traits) -> None:
        """`encoded` are `SObject`s as JSON, by lower-case name."""
        self._encoded, self._traits = encoded, traits
        self._elsewhere = frozenset(name.lower() for name in traits.elsewhere)
        self.object = lru_cache(maxsize=5_000)(self._decoded)
        """The object of a name, or None."""

    def _decoded(self, name: str) -> Known | None:
        encoded = self._encoded.get(name.lower())
        if encoded is None:
            return None
        found = msgspec.json.decode(encoded, type=SObject)
        parents = {**found.parents, **self._traits.more_parents.get(found.name, {})}
        long = {one.lower() for one in self._traits.long_text.get(found.name, ())}
        all_fields = {**found.fields, **self._traits.more_fields.get(found.name, {})}
        fields = {one.lower(): (one, kind) for one, kind in all_fields.items()}
        named = (*self._traits.indexed, *self._traits.indexed_of.get(found.name, ()), *found.indexed)
        return Known(
            found.name,
            {low: (one, "long text" if low in long else kind) for low, (one, kind) in fields.items()},
            {one.lower(): (one, to) for one, to in parents.items()},
            {one.lower(): (one, to) for one, to in found.children.items()},
            frozenset(one.lower() for one in named)
            | {low for low, (_, kind) in fields.items() if kind == "id"},
            found.complete,
        )

    def elsewhere(self, name: str) -> bool:
        """Whether the object is not of the data API, or custom and not known: it cannot be judged."""
        return name.lower() in self._elsewhere or is_custom(name)

    def like(self, name: str) -> str | None:
        """The object that is probably meant by a name that is none."""
        for guess in (name.rstrip("s"), f"{name}s", re.sub(r"ies$", "y", name)):
            if (found := self.object(guess)) is not None:
                return found.name
        near = closest(name, self._encoded)
        return None if near is None or (known := self.object(near)) is None else known.name

    def with_described(self, described: Iterable[SObject]) -> "Schema":
        """The same with a tenant's own objects, which take the place of the standard ones of their names."""
        own = {one.name.lower(): msgspec.json.encode(one) for one in described}
        return Schema({**self._encoded, **own}, self._traits)


def is_custom(name: str) -> bool:
    """Whether a name is of somebody's own object, field or relationship."""
    return CUSTOM.search(name) is not None


def closest(name: str, names: Iterable[str]) -> str | None:
    """The name most alike, in lower case, if one is alike enough."""
    return next(iter(get_close_matches(name.lower(), names, 1, ALIKE)), None)
