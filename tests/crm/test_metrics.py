"""``/metrics``: what it counts, and who may read it."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families
from quart import Quart, Response
from quart.typing import TestClientProtocol as Client

from quarterdeck_crm.extensions import db

from .conftest import Auth

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

    assert (await figures(app))["crm_requests_total", "health.live", "500"] == 1


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
