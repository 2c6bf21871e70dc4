"""What an org says of its objects: the answer of `GET /services/data/vXX.0/sobjects/NAME/describe`."""

from pathlib import Path

import msgspec
from msgspec import Struct

from domain.errors import DataFileError
from domain.salesforce.schema import ANY, SObject

KINDS = {
    "id": "id",
    "reference": "id",
    "boolean": "boolean",
    "currency": "number",
    "double": "number",
    "percent": "number",
    "int": "integer",
    "long": "integer",
    "date": "date",
    "datetime": "datetime",
    "time": "time",
    "base64": "blob",
    "address": "address",
    "location": "location",
    "anyType": "any",
    "complexvalue": "any",
}
"""Kinds of fields by the type that a describe gives; others are text."""


class _Field(Struct, frozen=True):
    name: str
    type: str
    filterable: bool = True
    unique: bool = False
    externalId: bool = False  # noqa: N815  # Salesforce's name
    relationshipName: str | None = None  # noqa: N815  # as above
    referenceTo: tuple[str, ...] = ()  # noqa: N815  # as above


class _Child(Struct, frozen=True):
    childSObject: str  # noqa: N815  # Salesforce's name
    relationshipName: str | None = None  # noqa: N815  # as above


class _Describe(Struct, frozen=True):
    name: str
    fields: tuple[_Field, ...]
    childRelationships: tuple[_Child, ...] = ()  # noqa: N815  # Salesforce's name


def read_describe(path: Path) -> SObject:
    """The object of a describe that was kept as a file. Raises `DataFileError`."""
    try:
        return described(path.read_bytes())
    except OSError as error:
        raise DataFileError("unreadable", f"{path}: {error.strerror or error}.") from error
    except msgspec.DecodeError as error:
        raise DataFileError("bad_describe", f"{path} is no describe of an object: {error}.") from error


def described(answer: bytes) -> SObject:
    """The object of a describe. Raises `msgspec.DecodeError`."""
    found = msgspec.json.decode(answer, type=_Describe)
    return SObject(
        found.name,
        {one.name: _kind(one) for one in found.fields},
        {one.relationshipName: _parent(one) for one in found.fields if one.relationshipName},
        {one.relationshipName: one.childSObject for one in found.childRelationships if one.relationshipName},
        frozenset(one.name for one in found.fields if one.unique or one.externalId),
        complete=True,
    )


def _kind(field: _Field) -> str:
    kind = KINDS.get(field.type, "text")
    return "long text" if kind == "text" and not field.filterable else kind


def _parent(field: _Field) -> str:
    return field.referenceTo[0] if len(field.referenceTo) == 1 else ANY
