"""JSON Schema of today as OpenAPI 3.0 writes it.

msgspec and quart-schema speak OpenAPI 3.1. The Swagger UI of the ``swagger-ui-bundle`` package
reads 3.0, and so do most generators of clients; nothing in our models needs more.
"""

from __future__ import annotations

from typing import Any

VERSION = "3.0.3"


def to_openapi30(schema: Any) -> Any:
    """Return a schema, and all that is in it, with ``nullable`` and ``example``."""
    if isinstance(schema, list):
        return [to_openapi30(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: to_openapi30(value) for key, value in schema.items()}
    if isinstance(schema.get("examples"), list):
        schema["example"] = schema.pop("examples")[0]
    choices = schema.get("anyOf")
    if choices and {"type": "null"} in choices:
        rest = [choice for choice in choices if choice != {"type": "null"}]
        del schema["anyOf"]
        schema |= {"nullable": True} | (rest[0] if len(rest) == 1 else {"anyOf": rest})
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    if schema.get("required") == []:
        del schema["required"]
    if schema.get("default", ...) is None:
        del schema["default"]
    return schema
