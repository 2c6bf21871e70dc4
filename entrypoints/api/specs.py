"""Answers as the OpenAPI document describes them."""

from litestar.openapi.datastructures import ResponseSpec
from msgspec import Struct


def spec(body: type[Struct], description: str) -> ResponseSpec:
    """A documented answer, without an invented example."""
    return ResponseSpec(body, description=description, generate_examples=False)
