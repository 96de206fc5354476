"""Every job store and coordinator, over a real server where there is one."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from quart import Quart

from quarterdeck._state import close_extensions
from quarterdeck.apscheduler import APScheduler, JobStore
from quarterdeck.apscheduler.config import STATE
from quarterdeck.apscheduler.coordinator import Coordinator
from quarterdeck.sqlalchemy import SQLAlchemy
from tests.plain import Quart as PlainQuart
from tests.servers import Server

from . import functions

MakeApp = Callable[..., Quart]


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    functions.calls.clear()


@pytest.fixture
def settings(running: Callable[[str], Server], tmp_path: Path) -> Callable[[str], dict[str, Any]]:
    """Return the configuration that puts a scheduler on a technology."""

    def configure(name: str) -> dict[str, Any]:
        config: dict[str, Any] = {"SCHEDULER_PREFIX": f"t{uuid.uuid4().hex[:12]}"}
        if name == "sqlite":
            config["SQLALCHEMY_DATABASE_URI"] = f"sqlite+aiosqlite:///{tmp_path / 'jobs.db'}"
            kind = "sqlalchemy"
        elif name in {"mariadb", "postgresql"}:
            address = f"127.0.0.1:{running(name).port}"
            config["SQLALCHEMY_DATABASE_URI"] = (
                f"postgresql://postgres@{address}/postgres"
                if name == "postgresql"
                else f"mysql+aiomysql://root@{address}/test"
            )
            kind = "sqlalchemy"
        elif name == "memory":
            kind = name
        else:
            kind = name
            port = running(name).port
            scheme = "redis" if name == "redis" else "mongodb"
            config[f"SCHEDULER_{name.upper()}"] = f"{scheme}://127.0.0.1:{port}"
        config["SCHEDULER_JOBSTORES"] = {"default": {"type": kind}}
        config["SCHEDULER_LEASE"] = "memory" if kind == "mongodb" else kind
        return config

    return configure


@pytest.fixture
def make_app(settings: Callable[[str], dict[str, Any]]) -> MakeApp:
    """Make an app with a scheduler that waits for nothing longer than it must."""

    def make(name: str = "memory", scheduler: APScheduler | None = None, **more: Any) -> Quart:
        app = PlainQuart("harbour")
        app.config.update(settings(name) | {"SCHEDULER_POLL_SECONDS": 0.5} | more)
        if "SQLALCHEMY_DATABASE_URI" in app.config:
            db = SQLAlchemy(app)
            app.config["SCHEDULER_SQLALCHEMY"] = lambda: db.engine
        (scheduler or APScheduler()).init_app(app)
        return app

    return make


@pytest.fixture(params=["memory", "sqlite", "mariadb", "postgresql", "redis", "mongodb"])
def app_of_each_store(request: pytest.FixtureRequest, make_app: MakeApp) -> Quart:
    return make_app(request.param)


@pytest.fixture
async def store(app_of_each_store: Quart) -> AsyncIterator[JobStore]:
    async with app_of_each_store.app_context():
        yield STATE.get().stores["default"]
    await close_extensions(app_of_each_store)


@pytest.fixture(params=["memory", "sqlite", "mariadb", "postgresql", "redis"])
def app_of_each_lease(request: pytest.FixtureRequest, make_app: MakeApp) -> Quart:
    return make_app(request.param)


@pytest.fixture
async def coordinator(app_of_each_lease: Quart) -> AsyncIterator[Coordinator]:
    async with app_of_each_lease.app_context():
        yield STATE.get().coordinator
    await close_extensions(app_of_each_lease)
