"""Salesforce's standard names, as data files have them."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec

from domain.errors import DataFileError
from domain.salesforce.apex.library import Library
from domain.salesforce.errors import Cause
from domain.salesforce.schema import Schema, Traits

DATA = Path(__file__).parent / "data" / "salesforce"


@cache
def standard_schema() -> Schema:
    """The standard objects of API version 65. Raises `DataFileError` for a bad file."""
    try:
        lines = (DATA / "objects.jsonl").read_bytes().splitlines()
        traits = msgspec.toml.decode((DATA / "traits.toml").read_bytes(), type=Traits)
        return Schema({_name(line): line for line in lines}, traits)
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise DataFileError("bad_file", f"{DATA}: {error}.") from error


@cache
def apex_library() -> Library:
    """The standard Apex classes of API version 65. Raises `DataFileError` for a bad file."""
    try:
        return Library({_name(line): line for line in (DATA / "library.jsonl").read_bytes().splitlines()})
    except (OSError, ValueError) as error:
        raise DataFileError("bad_file", f"{DATA}: {error}.") from error


@cache
def error_causes() -> Mapping[str, Cause]:
    """What is known of Salesforce's errors, by code. Raises `DataFileError` for a bad file."""
    try:
        return msgspec.toml.decode((DATA / "errors.toml").read_bytes(), type=dict[str, Cause])
    except (OSError, msgspec.DecodeError) as error:
        raise DataFileError("bad_file", f"{DATA}: {error}.") from error


def _name(line: bytes) -> str:
    """The name that a line begins with, in lower case."""
    return line.split(b'"', 4)[3].decode().lower()
