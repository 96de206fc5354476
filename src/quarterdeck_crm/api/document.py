"""``openapi.json``: made of the operations themselves, with every status that each can answer."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import msgspec
from quart import Quart
from quart_schema import (
    Info,
    OpenAPIProvider,
    QuartSchema,
    Tag,
    document_querystring,
    document_response,
    tag,
)
from quart_schema.openapi import APIKeySecurityScheme, HttpSecurityScheme
from werkzeug.routing import BaseConverter, Rule

from quarterdeck_crm.validation import REQUIRED

from . import fields, idempotency, schemas
from .bodies import JSON, Needs
from .openapi30 import VERSION, to_openapi30
from .operations import SAFE, Operation, operation_of

REF = "#/components/schemas/{name}"
PROBLEM = "application/problem+json"

REASONS = {
    304: "You have this state already: see `If-None-Match`.",
    400: "The request cannot be read, or a query argument makes no sense.",
    401: "You are not signed in, or the token is not valid.",
    403: "The token lacks the scope, or you may not do that.",
    404: "There is no such thing.",
    409: "The state of things does not allow it, or a simultaneous change clashed with it.",
    412: "It changed after you read it: read it again.",
    413: "The body is too large.",
    415: "The body is not of a media type that is accepted.",
    422: "A value cannot be accepted; `errors` lists the reasons.",
    428: "A change needs `If-Match` with the `ETag` of your last read.",
    429: "Too many requests: try again after `Retry-After` seconds.",
    500: "Our fault; it has been logged.",
    503: "The database is busy: try again after `Retry-After` seconds.",
}
SIGNED_IN: list[dict[str, list[str]]] = [{"token": []}, {"session": []}]
SIGNED_IN_TO_WRITE: list[dict[str, list[str]]] = [{"token": []}, {"session": [], "csrf": []}]
SUFFIX = {Needs.NEW: "New", Needs.ALL: "Replace", Needs.NONE: "Change"}
HEADERS = {
    "ETag": "The version, for `If-Match` and `If-None-Match`.",
    "Location": "Where it is.",
    "Link": "The other pages (RFC 8288).",
    "Idempotent-Replayed": "`true` if this is the answer to an earlier, equal request.",
    "WWW-Authenticate": "How to sign in (RFC 6750).",
    "Retry-After": "Seconds to wait.",
}
API_VERSION = "1.0"
DESCRIPTION = """\
Everything that the pages can do with accounts, people, goods, orders, deals and tasks, for
programs.

Sign in with a token: `Authorization: Bearer qd_...`. Users make them on their profile page,
administrators with `crm token create`. Errors are problem documents (RFC 9457). Changes need the
`ETag` of what was read, as `If-Match`. A `POST` with an `Idempotency-Key` may be sent again.
"""
TAGS = {
    "Accounts": "Companies that we do business with.",
    "Contacts": "The people at an account.",
    "People": "People with their accounts, phone numbers and addresses.",
    "Goods": "The goods.",
    "Orders": "Orders with their lines, and the moves from state to state.",
    "Deals": "The pipeline before the order.",
    "Tasks": "Tasks, with due dates, assignees and links to records.",
    "Tags": "Words and fields of your own for records.",
    "Bulk changes": "The same change of many records.",
    "Notes": "Notes and comments on records.",
    "Notifications": "What you should know, kept until you read it.",
    "Views": "Saved views of lists.",
    "Search": "Everything at once.",
    "Audit": "Sign-ins, and changes that matter for security.",
}


def describe(app: Quart) -> dict[str, Any]:
    """Return the document of an app.

    ``QuartSchema`` is not bound to the app: it would replace the JSON provider, the test client
    and the WebSocket class, convert the answer of every page, and add pages that load scripts
    from foreign hosts.
    """
    schema = QuartSchema(
        info=Info(title="Quarterdeck CRM", version=API_VERSION, description=DESCRIPTION),
        tags=[Tag(name, text) for name, text in TAGS.items()],
        security_schemes=security_schemes(app.config["SESSION_COOKIE_NAME"]),
    )
    return ApiDocument(app, schema).schema()


def security_schemes(cookie: str) -> dict[str, Any]:
    """Return the ways to sign in, as the document describes them."""
    return {
        "token": HttpSecurityScheme(scheme="bearer"),
        "session": APIKeySecurityScheme(name=cookie, in_="cookie"),
        "csrf": APIKeySecurityScheme(name="X-CSRFToken", in_="header"),
    }


def statuses_of(operation: Operation, rule: Rule) -> list[int]:
    """Return every status that an operation can answer, but that of success."""
    found = {401, 403, 429, 500, 503}
    is_safe = bool((rule.methods or set()) & {"GET"})
    if is_safe:
        found |= {304}
    else:
        found |= {400}  # a wrong CSRF token
    if operation.query is not None or operation.form_query is not None:
        found |= {400}
    if rule.arguments or operation.query is not None:
        found |= {404}  # also a page beyond the last
    if operation.body is not None:
        found |= {400, 413, 415, 422}
    if operation.conflicts:
        found |= {409}
    if operation.may_lock:
        found |= {412}
    if operation.locks:
        found |= {428}
    return sorted(found)


class ApiDocument(OpenAPIProvider):
    """The document of the operations of the API, as OpenAPI 3.0."""

    def schema(self) -> dict[str, Any]:
        """Return the document."""
        document = super().schema()
        document["openapi"] = VERSION
        document["paths"] = dict(sorted(document["paths"].items()))
        components = document["components"]
        components["schemas"] |= components_of(schemas.Problem)
        components["schemas"] = dict(sorted(components["schemas"].items()))
        components["responses"] = {_name(status): _problem(status) for status in REASONS}
        described: dict[str, Any] = to_openapi30(document)
        return described

    def generate_rules(self) -> Iterable[Rule]:
        """Yield the rules of the operations."""
        for rule in self._app.url_map.iter_rules():
            if operation_of(self._app.view_functions[rule.endpoint]) is not None:
                yield rule

    def generate_methods(self, rule: Rule) -> Iterable[str]:
        """Yield the one method of an operation."""
        yield from (rule.methods or set()) - {"HEAD", "OPTIONS"}

    def operation_id(self, method: str, path: str, func: Any) -> str:
        """Return the name of the view."""
        return str(func.__name__)

    def build_paths(self, rule: Rule) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the operation with all its parameters, bodies and answers."""
        view = self._app.view_functions[rule.endpoint]
        operation = operation_of(view)
        assert operation is not None  # noqa: S101 - generate_rules leaves the others out
        tag([operation.group])(view)
        if (query := operation.query or operation.form_query) is not None:
            document_querystring(query)(view)
        if operation.answers is not None:
            document_response(operation.answers, operation.status)(view)
        paths, components = super().build_paths(rule)
        for methods in paths.values():
            for method, described in methods.items():
                is_safe = method.upper() in SAFE
                described["description"] = described["description"].strip()
                described["security"] = SIGNED_IN if is_safe else SIGNED_IN_TO_WRITE
                described["parameters"] += _header_parameters(operation, is_safe=is_safe)
                if operation.body is not None:
                    described["requestBody"] = _request_body(operation, components)
                described["responses"] = _responses(operation, rule, described["responses"])
        return paths, components

    def build_path_parameter(self, name: str, converter: BaseConverter) -> dict[str, Any]:
        """Return a path parameter; all of ours are ids."""
        schema = msgspec.json.schema(fields.Id)
        return {
            "name": name,
            "in": "path",
            "required": True,
            "description": schema.pop("description"),
            "schema": schema,
        }

    def build_querystring_parameters(
        self, model: type[Any]
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Return the query arguments; quart-schema would lose the descriptions of some."""
        schema = components_of(model)[model.__name__]
        required = schema.get("required", ())
        parameters = []
        for name, described in schema["properties"].items():
            plain = to_openapi30(described)
            parameter = {"name": name, "in": "query", "schema": plain}
            if description := plain.pop("description", None):
                parameter["description"] = description
            plain.pop("nullable", None)  # an argument is there or not
            if name in required:
                parameter["required"] = True
            parameters.append(parameter)
        return parameters, {}

    def build_response_object(
        self, model: type[Any], headers_model: type[Any] | None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the answer with a representation; quart-schema would lose the nested ones."""
        content = {JSON: {"schema": {"$ref": REF.format(name=model.__name__)}}}
        return {"description": inspect.getdoc(model), "content": content}, components_of(model)


def components_of(model: type[Any]) -> dict[str, Any]:
    """Return the schema of a model and of all models in it, by name."""
    return msgspec.json.schema_components([model], schema_hook=_sent_decimal, ref_template=REF)[1]


def _sent_decimal(kind: type[Any]) -> dict[str, Any]:
    if kind is not fields.SentDecimal:
        raise NotImplementedError
    return {"type": "string", "format": "decimal"}


def _request_body(operation: Operation, components: dict[str, Any]) -> dict[str, Any]:
    """Return the body of an operation: the model, with the fields that this method needs."""
    model, needs = operation.body, operation.needs
    assert model is not None  # noqa: S101 - asked by the caller
    found = {name: _loosely(schema) for name, schema in components_of(model).items()}
    name = model.__name__
    if issubclass(model, schemas.Body):
        schema = found.pop(name)
        name = name.removesuffix("Body") + SUFFIX[needs]
        schema |= {"title": name, "required": list(needs.fields(model))}
        found[name] = schema if schema["required"] else _without(schema, "required")
    components |= found
    content = {"schema": {"$ref": REF.format(name=name)}}
    return {"required": True, "content": dict.fromkeys(needs.media_types, content)}


def _responses(
    operation: Operation, rule: Rule, described: dict[int, dict[str, Any]]
) -> dict[str, Any]:
    success = described.get(operation.status, {"description": "It is done."})
    headers = ["ETag"] if operation.answers is not None else []
    if operation.status == 201:
        headers.append("Location")
    if operation.answers is not None and issubclass(operation.answers, schemas.Page):
        headers.append("Link")
    if operation.repeatable:
        headers.append("Idempotent-Replayed")
    if headers:
        success["headers"] = {name: _header(name) for name in headers}
    problems = {
        str(status): {"$ref": f"#/components/responses/{_name(status)}"}
        for status in statuses_of(operation, rule)
    }
    return {str(operation.status): success} | problems


def _problem(status: int) -> dict[str, Any]:
    """Return an answer that is not success."""
    answer: dict[str, Any] = {"description": REASONS[status]}
    if status == 304:
        return answer | {"headers": {"ETag": _header("ETag")}}
    schema = {"$ref": REF.format(name=schemas.Problem.__name__)}
    phrase = HTTPStatus(status).phrase
    example = {"type": "about:blank", "title": phrase, "status": status, "detail": REASONS[status]}
    if status == 422:
        example["errors"] = [{"pointer": "/name", "detail": REQUIRED}]
    answer["content"] = {PROBLEM: {"schema": schema, "example": example}}
    named = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}.get(status)
    return answer | ({"headers": {named: _header(named)}} if named else {})


def _header_parameters(operation: Operation, *, is_safe: bool) -> list[dict[str, Any]]:
    parameters = []
    if is_safe:
        parameters.append(_parameter("If-None-Match", "The ETag that you have: 304 if it stands."))
    if operation.may_lock:
        text = "The ETag of your last read."
        parameters.append(_parameter("If-Match", text, required=operation.locks))
    if operation.repeatable:
        text = "1 to 255 visible ASCII characters; the same again is done once, for 24 hours."
        parameters.append(_parameter(idempotency.HEADER, text))
    return parameters


def _parameter(name: str, text: str, *, required: bool = False) -> dict[str, Any]:
    schema = {"type": "string"}
    return {
        "name": name, "in": "header", "description": text, "required": required, "schema": schema
    }  # fmt: skip


def _header(name: str) -> dict[str, Any]:
    return {"description": HEADERS[name], "schema": {"type": "string"}}


def _name(status: int) -> str:
    return f"Problem{status}" if status >= 400 else "NotModified"


def _loosely(schema: Any) -> Any:
    """Return a schema in which a decimal may also be sent as a number."""
    if isinstance(schema, list):
        return [_loosely(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "decimal":
        rest = _without(schema, "type", "format")
        return rest | {"oneOf": [{"type": "string", "format": "decimal"}, {"type": "number"}]}
    return {key: _loosely(value) for key, value in schema.items()}


def _without(schema: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in names}
