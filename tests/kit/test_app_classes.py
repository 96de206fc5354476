"""An app with a request class and a response class of its own."""

from __future__ import annotations

from typing import Any

import pytest
import quart
from quart import abort, jsonify, request

from quarterdeck.app import Quart, Request, Response
from quarterdeck.exceptions import RequestClassError


class HarbourRequest(Request):
    @property
    def berth(self) -> str:
        return self.headers.get("X-Berth", "none")


class HarbourResponse(Response):
    default_mimetype = "text/plain"


class Harbour(Quart):
    request_class = HarbourRequest
    response_class = HarbourResponse


@pytest.fixture
def app() -> Harbour:
    app = Harbour(__name__)

    @app.get("/")
    async def index() -> str:
        assert isinstance(request, HarbourRequest)
        return request.berth

    @app.get("/json")
    async def as_json() -> Any:
        return jsonify(berth="B4")

    @app.get("/gone")
    async def gone() -> str:
        abort(410)

    return app


@pytest.mark.feature("Q3")
async def test_views_receive_the_request_class_of_the_app(app: Harbour) -> None:
    response = await app.test_client().get("/", headers={"X-Berth": "B4"})

    assert await response.get_data(as_text=True) == "B4"


@pytest.mark.feature("Q3")
@pytest.mark.parametrize(
    ("path", "mimetype"),
    [("/", "text/plain"), ("/json", "application/json"), ("/gone", "text/html")],
)
async def test_every_response_has_the_response_class_of_the_app(
    app: Harbour, path: str, mimetype: str
) -> None:
    response = await app.test_client().get(path)

    assert isinstance(response, HarbourResponse)
    assert response.mimetype == mimetype


async def test_a_request_class_of_quart_stops_the_start(app: Harbour) -> None:
    app.request_class = quart.Request  # type: ignore[assignment]

    with pytest.raises(RequestClassError, match=r"Derive it from 'quarterdeck\.app\.Request'"):
        await app.startup()
