"""Redis away: requests are allowed or refused as configured, soon and without an error."""

from __future__ import annotations

import asyncio
import time

import pytest
from quart import Quart

from quarterdeck.security.limits import Limiter, limit
from tests.servers import Server

from .conftest import MakeApp

pytestmark = pytest.mark.external_service("Redis")


@pytest.fixture
def redis(running_redis: Server) -> Server:
    running_redis.heal()
    return running_redis


@pytest.fixture(params=[True, False], ids=["allow", "refuse"])
def app(request: pytest.FixtureRequest, make_app: MakeApp, redis: Server) -> Quart:
    app = make_app(
        f"redis://127.0.0.1:{redis.port}/0",
        RATELIMIT_SWALLOW_ERRORS=request.param,
        RATELIMIT_STORAGE_TIMEOUT_SECONDS=1,
    )

    @app.get("/")
    @limit("1000/minute")
    async def index() -> str:
        return "ok"

    return app


@pytest.mark.feature("AP6")
@pytest.mark.parametrize("outage", ["kill", "freeze"])
async def test_no_request_fails_or_waits_long(app: Quart, redis: Server, outage: str) -> None:
    expected = 200 if app.config["RATELIMIT_SWALLOW_ERRORS"] else 503
    client = app.test_client()
    assert (await client.get("/")).status_code == 200
    getattr(redis, outage)()

    began = time.monotonic()
    first = [client.get("/") for _ in range(20)]
    answers = list(await asyncio.gather(*first))
    answers += [await client.get("/") for _ in range(20)]  # none waits: Redis is known to be away
    took = time.monotonic() - began

    assert {response.status_code for response in answers} == {expected}
    assert took < 10.0, "the first requests wait for a second, not each"
    if expected == 503:
        assert answers[0].headers["Retry-After"] == "1"


async def test_counting_goes_on_when_redis_is_back(
    app: Quart, redis: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "quarterdeck.security")
    client = app.test_client()
    redis.kill()
    for _ in range(3):
        await client.get("/")
    redis.heal()
    while "RateLimit" not in (await client.get("/")).headers:
        pass

    messages = [record.getMessage() for record in caplog.records if "rate limits" in record.message]
    *failures, last = messages
    assert failures
    assert all("does not work" in message for message in failures)
    # A line per cause: on a busy machine an answer may also come too late.
    assert len(set(failures)) == len(failures)
    assert last.endswith("works again")
    async with app.app_context():
        assert Limiter().statistics()["unchecked"] >= 3
