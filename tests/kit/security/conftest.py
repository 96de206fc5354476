"""Apps with rate limits, in memory and on Redis, and a clock that tests turn forward."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from quart import Quart

from quarterdeck.security.limits import Limiter
from tests.servers import Server

MakeApp = Callable[..., Quart]


@pytest.fixture(
    params=["memory", pytest.param("redis", marks=pytest.mark.external_service("Redis"))]
)
def storage(request: pytest.FixtureRequest) -> str:
    """The URI of a storage: each test runs on both."""
    if request.param == "memory":
        return "memory://"
    server: Server = request.getfixturevalue("running_redis")
    server.heal()
    return f"redis://127.0.0.1:{server.port}/0"


@pytest.fixture
async def made() -> AsyncIterator[list[Quart]]:
    """The apps of a test, whose connections are closed at its end."""
    apps: list[Quart] = []
    yield apps
    for app in apps:
        await app.extensions["limiter"].aclose()


@pytest.fixture
def make_app(request: pytest.FixtureRequest, made: list[Quart]) -> MakeApp:
    """Make an app with a Limiter; its keys are its own unless ``prefix`` is given."""

    def make(storage: str = "memory://", prefix: str | None = None, **config: Any) -> Quart:
        app = Quart("limited")
        app.secret_key = "for tests"
        app.config["RATELIMIT_STORAGE_URI"] = storage
        app.config["RATELIMIT_STORAGE_TIMEOUT_SECONDS"] = 10  # a busy machine is not away
        app.config["RATELIMIT_KEY_PREFIX"] = prefix or f"{request.node.name}{id(app)}"
        app.config.update(config)
        Limiter(app)
        made.append(app)
        return app

    return make
