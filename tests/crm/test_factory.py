"""The app as a whole: headers, errors, health."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from quart import Quart, abort, url_for
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm.exc import StaleDataError

from quarterdeck.login import public
from quarterdeck.sockets.redis import RedisBackend
from quarterdeck_crm import errors
from quarterdeck_crm.errors import (
    ConflictError,
    DomainError,
    ForbiddenError,
    MoveNotAllowedError,
    NotFoundError,
    OutOfStockError,
    ValidationError,
)
from quarterdeck_crm.extensions import health

from .conftest import Auth

if TYPE_CHECKING:
    from quart.typing import TestClientProtocol

CODES = [400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 503]
DOMAIN = [
    (NotFoundError("Gone."), 404),
    (ForbiddenError("Not yours."), 403),
    (ConflictError("Too late."), 409),
    (OutOfStockError("Only 2 left."), 409),
    (MoveNotAllowedError("It is paid."), 409),
    (ValidationError({"name": ["Enter a name."]}), 422),
]


@pytest.fixture(name="app")
async def _app(_built: Quart) -> Any:
    """The app with pages that fail in every way."""

    @_built.get("/fails/<int:code>")
    @public
    async def fails(code: int) -> str:
        abort(code)

    @_built.get("/fails/domain/<int:index>")
    @public
    async def fails_domain(index: int) -> str:
        raise DOMAIN[index][0]

    @_built.get("/fails/stale")
    @public
    async def fails_stale() -> str:
        raise StaleDataError("UPDATE matched 0 rows")

    @_built.get("/fails/database")
    @public
    async def fails_database() -> str:
        raise OperationalError("SELECT secret", {}, Exception("connection refused"))

    @_built.get("/fails/bug")
    @public
    async def fails_bug() -> str:
        raise RuntimeError("the password is swordfish")

    async with _built.test_app():
        yield _built


@pytest.mark.feature("AP1")
async def test_two_apps_share_nothing(app: Quart) -> None:
    assert app.extensions is not Quart(__name__).extensions


async def test_strict_headers_stand_on_every_answer(client: TestClientProtocol) -> None:
    for path in ("/auth/login", "/nowhere", "/fails/500", "/health/live"):
        headers = (await client.get(path)).headers

        assert "unsafe-inline" not in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"


async def test_pages_are_not_kept_by_shared_caches_but_files_may_be(
    app: Quart, client: TestClientProtocol
) -> None:
    async with app.test_request_context("/"):
        path = url_for("static", filename="css/tokens.css")

    page = await client.get("/auth/login")
    file = await client.get(path)

    assert page.headers["Cache-Control"] == "private, no-cache"
    assert "public" in file.headers["Cache-Control"]


@pytest.mark.feature("A4")
@pytest.mark.parametrize("code", CODES)
async def test_people_get_a_page_in_the_site_layout(client: TestClientProtocol, code: int) -> None:
    response = await client.get(f"/fails/{code}", headers={"Accept": "text/html"})

    page = await response.get_data(as_text=True)
    assert response.status_code == code
    assert str(errors.ADVICE[code][0]) in page
    assert "/static/" in page


@pytest.mark.feature("A4")
@pytest.mark.parametrize("code", CODES)
async def test_programs_get_a_problem_document(client: TestClientProtocol, code: int) -> None:
    response = await client.get(f"/fails/{code}", headers={"Accept": "application/json"})

    problem = await response.get_json()
    assert response.status_code == problem["status"] == code
    assert response.mimetype == "application/problem+json"
    assert problem["title"]
    assert problem["detail"]


@pytest.mark.parametrize(("error", "code"), DOMAIN, ids=lambda value: type(value).__name__)
async def test_domain_error_has_its_status_and_words(
    client: TestClientProtocol, error: DomainError, code: int
) -> None:
    index = [known for known, _ in DOMAIN].index(error)

    response = await client.get(f"/fails/domain/{index}")

    assert response.status_code == code
    assert str(error) in await response.get_data(as_text=True)


async def test_validation_errors_are_listed_for_programs(client: TestClientProtocol) -> None:
    response = await client.get("/fails/domain/5", headers={"Accept": "application/json"})

    assert (await response.get_json())["errors"] == [
        {"pointer": "/name", "detail": "Enter a name."}
    ]


async def test_api_paths_never_answer_with_a_page(client: TestClientProtocol) -> None:
    response = await client.get("/api/v1/nothing", headers={"Accept": "text/html"})

    assert response.mimetype == "application/problem+json"


@pytest.mark.parametrize(("path", "code"), [("/fails/stale", 409), ("/fails/database", 503)])
async def test_database_errors_are_told_without_sql(
    client: TestClientProtocol, path: str, code: int
) -> None:
    response = await client.get(path)

    page = await response.get_data(as_text=True)
    assert response.status_code == code
    assert str(errors.ADVICE[code][0]) in page
    assert ("Retry-After" in response.headers) == (code == 503)
    assert "SELECT" not in page
    assert "UPDATE" not in page


async def test_bug_is_not_told_to_visitors(client: TestClientProtocol) -> None:
    response = await client.get("/fails/bug")

    assert response.status_code == 500
    assert "swordfish" not in await response.get_data(as_text=True)


@pytest.mark.feature("R5")
async def test_method_not_allowed_names_the_allowed(auth: Auth) -> None:
    response = await auth.get("/auth/logout")

    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]


async def test_broken_error_page_still_says_what_happened(
    app: Quart, client: TestClientProtocol, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*args: Any, **values: Any) -> str:
        raise RuntimeError("no templates")

    monkeypatch.setattr(errors, "render_template", broken)

    response = await client.get("/fails/404")

    assert response.status_code == 404
    assert "Page not found" in await response.get_data(as_text=True)


async def test_live_asks_nothing_of_the_database(client: TestClientProtocol, app: Quart) -> None:
    health.check(app, "database")(_fail)

    assert (await client.get("/health/live")).status_code == 200


async def test_ready_when_the_database_answers(client: TestClientProtocol) -> None:
    response = await client.get("/health/ready")

    assert response.status_code == 200
    document = await response.get_json()
    assert document["status"] == "ready"
    assert document["checks"].keys() == {"database", "sessions", "live"}


async def test_not_ready_names_what_is_down(client: TestClientProtocol, app: Quart) -> None:
    health.check(app, "database")(_fail)

    response = await client.get("/health/ready")

    assert response.status_code == 503
    document = await response.get_json()
    assert (document["status"], document["down"]) == ("unavailable", ["database"])


async def _fail() -> None:
    raise OperationalError("SELECT 1", {}, Exception("refused"))


async def test_not_ready_without_live_events(client: TestClientProtocol, app: Quart) -> None:
    """Redis is not there; that the check of the hub asks it is tested with the kit."""
    app.extensions["sockets"].backend = RedisBackend("redis://127.0.0.1:1/0")

    response = await client.get("/health/ready")

    assert response.status_code == 503
    assert (await response.get_json())["down"] == ["live"]
