"""The OpenAPI document: valid, complete, and true."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator
from quart import Quart

from quarterdeck_crm import create_app
from quarterdeck_crm.api.operations import operation_of

from .conftest import Program

METHODS = {"get", "post", "put", "patch", "delete"}
WITHOUT_AN_OPERATION = {"api.document", "api.docs", "api.asset"}


@pytest.fixture(scope="module", name="document")
def _document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The document of an app, as any program reads it."""
    app = create_app("testing", INSTANCE=str(tmp_path_factory.mktemp("instance")))

    async def read() -> Any:
        response = await app.test_client().get("/api/v1/openapi.json")
        assert response.status_code == 200
        return await response.get_json()

    read_document: dict[str, Any] = asyncio.run(read())
    return read_document


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            yield method, path, described


def schemas(node: Any) -> Iterator[dict[str, Any]]:
    """Every object in a document."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from schemas(value)
    elif isinstance(node, list):
        for value in node:
            yield from schemas(value)


@pytest.mark.feature("AP4")
def test_it_is_valid(document: dict[str, Any]) -> None:
    OpenAPIV30SpecValidator(document).validate()


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    """quart-schema alone loses the models inside of models."""
    references = {node["$ref"] for node in schemas(document) if "$ref" in node}

    assert references
    for reference in references:
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def test_every_route_is_described(document: dict[str, Any], app: Quart) -> None:
    described = {
        (method.upper(), re.sub(r"\{(\w+)\}", r"<\1>", path))
        for method, path, _ in operations(document)
    }

    routes = {
        (method, re.sub("<(int|string):", "<", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("api.") and rule.endpoint not in WITHOUT_AN_OPERATION
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert described == routes
    assert all(
        operation_of(view)
        for name, view in app.view_functions.items()
        if name.startswith("api.") and name not in WITHOUT_AN_OPERATION
    )


def test_everything_has_words(document: dict[str, Any]) -> None:
    for method, path, described in operations(document):
        assert described["summary"].endswith("."), (method, path)
        assert described["tags"], (method, path)
        for parameter in described["parameters"]:
            assert parameter["description"], (method, path, parameter["name"])
    for name, model in document["components"]["schemas"].items():
        if name.removesuffix("Page") in {
            "Account",
            "Contact",
            "Good",
            "Order",
            "OrderSummary",
            "Person",
        }:
            assert model["description"], name


def test_names_of_operations_are_unique(document: dict[str, Any]) -> None:
    names = [described["operationId"] for _, _, described in operations(document)]

    assert len(names) == len(set(names)) == 86


def test_every_operation_says_how_to_sign_in(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]

    assert schemes["token"] == {"type": "http", "scheme": "bearer"}
    assert schemes["session"] == {"type": "apiKey", "in": "cookie", "name": "crm"}
    for method, _, described in operations(document):
        session = {"session"} if method == "get" else {"session", "csrf"}
        assert [set(way) for way in described["security"]] == [{"token"}, session]


@pytest.mark.parametrize(
    ("method", "path", "statuses"),
    [
        ("get", "/accounts", "200 304 400 401 403 404 429 500 503"),
        ("post", "/accounts", "201 400 401 403 409 413 415 422 429 500 503"),
        ("get", "/accounts/{account_id}", "200 304 401 403 404 429 500 503"),
        ("put", "/orders/{order_id}", "200 400 401 403 404 409 412 413 415 422 428 429 500 503"),
        ("patch", "/goods/{good_id}", "200 400 401 403 404 409 412 413 415 422 428 429 500 503"),
        ("delete", "/orders/{order_id}", "204 400 401 403 404 409 412 428 429 500 503"),
        ("post", "/orders/{order_id}/moves", "200 400 401 403 404 409 412 413 415 422 429 500 503"),
        ("post", "/bulk-runs/{key}/resume", "200 400 401 403 404 409 429 500 503"),
        ("post", "/users/{user_id}/hand-over", "202 400 401 403 404 409 413 415 422 429 500 503"),
        ("get", "/search", "200 304 400 401 403 429 500 503"),
    ],
)
def test_every_status_is_described(
    document: dict[str, Any], method: str, path: str, statuses: str
) -> None:
    responses = document["paths"][f"/api/v1{path}"][method]["responses"]

    assert " ".join(sorted(responses)) == statuses


def test_decimals_are_text_and_nothing_is_a_float(document: dict[str, Any]) -> None:
    components = document["components"]["schemas"]

    assert components["Order"]["properties"]["net"]["type"] == "string"
    assert components["Line"]["properties"]["amount"]["format"] == "decimal"
    sent = {"Account", "Contact", "Good", "Order", "OrderSummary", "Line"}
    for name in sent:
        for described in components[name]["properties"].values():
            assert described.get("type") != "number", name


def test_what_must_be_sent_depends_on_the_method(document: dict[str, Any]) -> None:
    components = document["components"]["schemas"]

    assert components["OrderNew"]["required"] == ["account_id"]
    replaced = components["OrderReplace"]
    assert replaced["properties"].keys() - set(replaced["required"]) == {"tags", "fields"}, (
        "they stay"
    )
    assert "required" not in components["OrderChange"]


def test_limits_are_those_of_the_columns(document: dict[str, Any]) -> None:
    name = document["components"]["schemas"]["AccountNew"]["properties"]["name"]

    assert (name["minLength"], name["maxLength"]) == (1, 200)


async def test_the_document_is_for_everybody(stranger: Program) -> None:
    assert (await stranger.get("/openapi.json")).status_code == 200
    assert (await stranger.get("/docs")).status_code == 200
