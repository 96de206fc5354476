"""``/metrics``: what it counts, and who may read it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from quart import Quart, Response
from quart.typing import TestClientProtocol as Client
from sqlalchemy import event

from quarterdeck import _exchange
from quarterdeck_crm import paths
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import User
from tests.crm.conftest import Auth

HERE = ("127.0.0.1", 50000)
ELSEWHERE = ("192.0.2.7", 50000)


async def ask(app: Quart, client: tuple[str, int] = HERE, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await app.test_client().get("/metrics", headers=named, scope_base={"client": client})


async def figures(app: Quart) -> dict[tuple[str, ...], float]:
    """Return the samples by name and values of labels."""
    answer = await ask(app)
    assert answer.status_code == 200
    families = text_string_to_metric_families(await answer.get_data(as_text=True))
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


@pytest.mark.feature("D7")
async def test_it_counts_the_answers_by_endpoint_and_status(app: Quart, client: Client) -> None:
    for path in ("/health/live", "/health/live", "/nothing/here", "/nothing/there"):
        await client.get(path)

    found = await figures(app)

    assert found["crm_requests_total", "health.live", "200"] == 2
    assert found["crm_requests_total", "none", "404"] == 2
    assert found["crm_request_seconds_count", "health.live"] == 2
    assert found["crm_request_seconds_bucket", "health.live", "+Inf"] == 2


@pytest.mark.feature("D7")
async def test_it_tells_how_busy_the_database_is(app: Quart, auth: Auth) -> None:
    async with app.app_context():
        await db.session.connection()

        found = await figures(app)

    assert found["crm_database_connections", "checked_out"] == 1
    assert found["crm_database_connections", "idle"] >= 0
    assert found["crm_database_connections_limit",] == 20
    assert found["crm_database_waiting",] == 0


async def test_it_tells_of_the_live_connections(app: Quart) -> None:
    found = await figures(app)

    assert found["crm_live_connections",] == 0
    assert found["crm_live_fell_behind_total",] == 0


async def test_an_error_of_ours_is_counted(app: Quart, client: Client) -> None:
    async def broken() -> str:
        raise RuntimeError("broken")

    app.view_functions["health.live"] = broken
    assert (await client.get("/health/live")).status_code == 500

    found = await figures(app)
    assert found["crm_requests_total", "health.live", "500"] == 1
    assert found["crm_request_seconds_count", "health.live"] == 1


@pytest.mark.feature("D7")
@pytest.mark.parametrize(
    ("method", "path", "endpoint", "status"),
    [
        ("GET", "/auth/login", "auth.login", 200),
        ("GET", "/orders/", "orders.index", 302),
        ("GET", "/nothing/here", "none", 404),
        ("DELETE", "/health/live", "none", 405),
        ("GET", f"{paths.static_path()}/css/layout.css", "static", 200),
        ("GET", f"{paths.static_path()}/css/none.css", "static", 404),
    ],
    ids=["page", "redirect to the sign-in", "404", "405", "static file", "no static file"],
)
async def test_each_answer_is_counted_and_timed_once(
    app: Quart, client: Client, method: str, path: str, endpoint: str, status: int
) -> None:
    ask_for = client.delete if method == "DELETE" else client.get
    answer = await ask_for(path, headers={"Accept": "text/html"})
    assert answer.status_code == status

    found = await figures(app)
    assert found["crm_requests_total", endpoint, str(status)] == 1
    assert found["crm_request_seconds_count", endpoint] == 1


async def test_a_request_that_is_refused_before_its_hooks_is_timed(
    app: Quart, client: Client
) -> None:
    app.config["TRUSTED_HOSTS"] = ["localhost"]
    answer = await client.get("/health/live", headers={"Host": "other.example"})
    assert answer.status_code == 400

    found = await figures(app)
    assert found["crm_requests_total", "health.live", "400"] == 1
    assert found["crm_request_seconds_count", "health.live"] == 1


async def test_an_answer_that_an_error_replaces_is_not_counted(app: Quart, client: Client) -> None:
    failures = [RuntimeError("broken")]

    @app.after_request
    async def fail_once(response: Response) -> Response:
        if failures:
            raise failures.pop()
        return response

    app.after_request_funcs[None].insert(0, app.after_request_funcs[None].pop())  # runs last
    assert (await client.get("/health/live")).status_code == 500

    found = await figures(app)
    assert ("crm_requests_total", "health.live", "200") not in found
    assert found["crm_requests_total", "health.live", "500"] == 1
    assert found["crm_request_seconds_count", "health.live"] == 1


async def test_the_time_includes_the_query_of_the_user(
    app: Quart, auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(_exchange, "perf_counter", lambda: now)

    def take_7_seconds(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        nonlocal now
        plain = re.sub(r"[`\"]", "", statement)
        now += 7 if re.search(rf"(FROM|JOIN) {User.__table__}\b", plain) else 0

    async with app.app_context():
        engine = db.engine.sync_engine
    event.listen(engine, "before_cursor_execute", take_7_seconds)
    assert (await auth.get("/auth/profile")).status_code == 200
    event.remove(engine, "before_cursor_execute", take_7_seconds)

    assert (await figures(app))["crm_request_seconds_sum", "auth.profile"] == 7


@pytest.mark.parametrize(
    ("settings", "client", "headers", "status"),
    [
        ({}, HERE, {}, 200),
        ({}, ("::1", 50000), {}, 200),
        ({}, ELSEWHERE, {}, 403),
        ({}, HERE, {"X_Forwarded_For": "192.0.2.7"}, 403),
        ({}, ELSEWHERE, {"Authorization": "Bearer "}, 403),
        ({"METRICS_TOKEN": "s3cret"}, ELSEWHERE, {"Authorization": "Bearer s3cret"}, 200),
        ({"METRICS_TOKEN": "s3cret"}, ELSEWHERE, {"Authorization": "Bearer wrong"}, 403),
        ({"METRICS_TOKEN": "s3cret"}, ELSEWHERE, {"Authorization": "Basic s3cret"}, 403),
        ({"METRICS_TOKEN": "s3cret"}, ELSEWHERE, {}, 403),
    ],
)
async def test_it_is_for_this_machine_or_with_the_token(
    app: Quart, client: tuple[str, int], headers: dict[str, str], status: int
) -> None:
    answer = await ask(app, client, **headers)

    assert answer.status_code == status
    assert ("crm_requests" in await answer.get_data(as_text=True)) == (status == 200)


async def test_each_app_counts_its_own(app: Quart) -> None:
    assert (await figures(app)).get(("crm_requests_total", "metrics.show", "200")) is None
    assert (await figures(app))["crm_requests_total", "metrics.show", "200"] == 1


@pytest.mark.parametrize("token", [None, "the token of this test"])
async def test_in_production_an_address_of_this_machine_proves_nothing(
    app: Quart, token: str | None
) -> None:
    """A proxy with a bare ``proxy_pass`` asks from loopback, and names nobody."""
    app.config.update(CONFIG_NAME="production", METRICS_TOKEN=token)

    assert (await ask(app)).status_code == 403
    if token is not None:
        assert (await ask(app, Authorization=f"Bearer {token}")).status_code == 200
