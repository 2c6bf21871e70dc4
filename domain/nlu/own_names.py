"""A tenant's own names, from what Salesforce's describe says of its objects and fields, and from a list."""

from collections.abc import Mapping

from msgspec import Struct

from domain.errors import DataFileError
from domain.nlu.entities import EntityType

MAX_NAMES = 50_000
LEAST_LETTERS = 4
"""Letters of a label from which it is a name by itself; shorter ones are words of every day."""

MOST_LETTERS = 100
"""Letters of a name at most: the time of a search grows with the words of the longest."""

Names = dict[str, tuple[EntityType, str]]


class DescribedField(Struct, frozen=True):
    """A field in the words of the REST API's describe."""

    name: str
    label: str = ""


class DescribedObject(Struct, frozen=True):
    """An object in the words of the REST API's describe; other keys of it are passed over."""

    name: str
    label: str = ""
    labelPlural: str = ""  # noqa: N815  # the API's own name
    fields: tuple[DescribedField, ...] = ()


class Vocabulary(Struct, frozen=True):
    """What a tenant's org is made of, and further names by their type: {'PRODUCT': ['Lumen']}."""

    objects: tuple[DescribedObject, ...] = ()
    names: Mapping[EntityType, tuple[str, ...]] = {}


def gazetted(vocabulary: Vocabulary) -> Names:
    """The names by their lower-case forms. Raises `DataFileError` when there are too many."""
    found: Names = {}
    for one in vocabulary.objects:
        for form in (one.name, one.label, one.labelPlural):
            _add(found, form, EntityType.SALESFORCE_OBJECT, one.name)
        for field in one.fields:
            value = f"{one.name}.{field.name}"
            if field.name.endswith("__c"):
                _add(found, field.name, EntityType.FIELD_NAME, value)
                if " " in field.label:  # a label of one word is a word of every day
                    _add(found, field.label, EntityType.FIELD_NAME, value)
    for kind, names in vocabulary.names.items():
        for name in names:
            _add(found, name, kind, name.strip())
    if len(found) > MAX_NAMES:
        raise DataFileError("many_names", f"at most {MAX_NAMES:,} names are kept; this has {len(found):,}.")
    return found


def _add(found: Names, form: str, kind: EntityType, value: str) -> None:
    form = form.strip().lower()
    if LEAST_LETTERS <= len(form) <= MOST_LETTERS:
        found.setdefault(form, (kind, value))
