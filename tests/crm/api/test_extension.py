"""quart-schema leaves the rest of the application as it was."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import quart
from msgspec import Struct
from quart import Quart
from quart_schema import QuartSchema, validate_querystring

from quarterdeck import app as kit
from quarterdeck.app.json import MsgspecJSONProvider
from quarterdeck.app.testing import TestClient
from quarterdeck_crm import create_app
from quarterdeck_crm.api.extension import ApiSchema
from tests.crm.conftest import Auth

pytestmark = pytest.mark.feature("AP4")


@pytest.mark.hazard("quart-schema replaces the JSON provider")
def test_json_is_still_ours(app: Quart) -> None:
    assert type(app.json) is MsgspecJSONProvider


@pytest.mark.hazard("quart-schema replaces the JSON provider")
def test_of_itself_it_takes_ours_away() -> None:
    """Why it is not bound to the app: this fails once quart-schema is better behaved."""
    app = kit.Quart(__name__)
    QuartSchema(app)

    assert type(app.json) is not MsgspecJSONProvider
    assert app.test_client_class is not TestClient
    assert "make_response" in vars(app)


def test_answers_clients_and_websockets_are_still_ours(app: Quart) -> None:
    assert "make_response" not in vars(app)
    assert vars(app).get("test_client_class", TestClient) is TestClient
    assert "quart_schema" not in str(app.websocket_class.__mro__)


@pytest.mark.hazard("quart-schema loads pages from a CDN")
def test_there_is_no_page_with_foreign_scripts(app: Quart) -> None:
    rules = {rule.rule for rule in app.url_map.iter_rules()}

    assert not rules & {"/docs", "/redocs", "/scalar", "/openapi.json"}


def test_two_apps_do_not_share_it(tmp_path: Path) -> None:
    one, other = (
        create_app("testing", INSTANCE=str(tmp_path), SESSION_COOKIE_NAME=name)
        for name in ("one", "other")
    )

    def cookie(of: Quart) -> str:
        document = ApiSchema(of).document()
        return str(document["components"]["securitySchemes"]["session"]["name"])

    assert (cookie(one), cookie(other)) == ("one", "other")


async def test_pages_answer_json_as_before(auth: Auth) -> None:
    response = await auth.get("/accounts/suggest?q=a")

    assert response.status_code == 200
    assert await response.get_json() == []


@pytest.mark.hazard("quart-schema gives no reason")
async def test_of_itself_a_bad_query_has_no_reason() -> None:
    app = quart.Quart(__name__)
    QuartSchema(app, conversion_preference="msgspec")

    class Query(Struct):
        page: int = 1

    @app.get("/")
    @validate_querystring(Query)
    async def index(query_args: Query) -> Any:
        return {"page": query_args.page, "net": Decimal(1)}

    response = await app.test_client().get("/?page=x")

    assert response.status_code == 400
    assert "page" not in await response.get_data(as_text=True)
