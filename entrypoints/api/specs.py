"""The OpenAPI document, where it has to say more than the signatures of the handlers."""

from typing import Any

from litestar._openapi.schema_generation import SchemaCreator
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Reference, Schema
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition
from msgspec import Raw, Struct

from entrypoints.api.schemas import MessageResponse

NO_CREDENTIALS: list[dict[str, list[str]]] = [{}]
"""The security of an operation that anybody may call."""
LIMITED = {
    name: {"description": description, "required": True, "schema": {"type": "integer"}}
    for name, description in (
        ("X-RateLimit-Limit", "Calls a minute."),
        ("X-RateLimit-Remaining", "Calls left in this minute."),
        ("X-RateLimit-Reset", "The Unix second at which the next minute begins."),
        ("Retry-After", "Seconds until then."),
    )
}
REPEATABLE = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same request under the same key gets the first answer again and is done once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
EVENTS = {
    "description": "Events `heard`, `delta` (pieces of the response) and `answer` (the whole), or `error`.",
    "type": "string",
}


class KeptAnswers(OpenAPISchemaPlugin):
    """Describes an answer that is kept as JSON (`Raw`) as the answer that it is."""

    @staticmethod
    def is_plugin_supported_type(value: Any) -> bool:  # noqa: ANN401  # any annotation
        """Whether a field is one."""
        return value is Raw

    def to_openapi_schema(  # type: ignore[override]  # a reference does as well as a schema
        self,
        field_definition: FieldDefinition,  # noqa: ARG002  # the protocol's
        schema_creator: SchemaCreator,
    ) -> Schema | Reference:
        """The schema of an answer."""
        return schema_creator.for_field_definition(FieldDefinition.from_annotation(MessageResponse))


def spec(body: type[Struct], description: str) -> ResponseSpec:
    """A documented answer, without an invented example."""
    return ResponseSpec(body, description=description, generate_examples=False)


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """The document with what Litestar has no place for: headers of a 429, repeatable calls, events."""
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    for operation in operations:
        responses = operation["responses"]
        if "429" in responses:
            responses["429"]["headers"] = LIMITED
        if "422" in responses:
            operation["parameters"] = [*operation.get("parameters", []), REPEATABLE]
        if operation["operationId"] == "sendMessage":
            responses["200"]["content"]["text/event-stream"] = {"schema": EVENTS}
    return document
