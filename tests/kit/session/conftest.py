"""Every store, over a real server where there is one."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cachelib import FileSystemCache
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tests.servers import STARTERS, Server

STORES = (
    "redis", "memcached", "filesystem", "mongodb", "sqlite", "mariadb", "postgresql", "cachelib",
)  # fmt: skip


@pytest.fixture(params=("null", *STORES))
def store_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(store_name: str, running: Callable[[str], Server]) -> Iterator[Server | None]:
    """The server behind the store, whole again after the test; None if there is none."""
    if store_name not in STARTERS:
        yield None
        return
    server = running(store_name)
    yield server
    server.heal()


@pytest.fixture
async def store_config(
    store_name: str, server: Server | None, tmp_path: Path
) -> AsyncIterator[dict[str, Any]]:
    """The configuration of an app on that store, alone there by its prefix or table."""
    config: dict[str, Any] = {
        "SESSION_KEY_PREFIX": f"{uuid.uuid4().hex[:8]}:",
        "SESSION_TIMEOUT_SECONDS": 10,  # a busy machine is no broken server; see test_outages
    }
    address = f"127.0.0.1:{server.port}" if server else ""
    engine: AsyncEngine | None = None
    if store_name == "redis":
        config |= {"SESSION_TYPE": "redis", "REDIS_URL": f"redis://{address}/0"}
    elif store_name == "memcached":
        config |= {"SESSION_TYPE": "memcached", "SESSION_MEMCACHED": address}
    elif store_name == "filesystem":
        config |= {"SESSION_TYPE": "filesystem", "SESSION_FILE_DIR": str(tmp_path / "sessions")}
    elif store_name == "cachelib":
        cache = FileSystemCache(str(tmp_path / "cache"), threshold=0)
        config |= {"SESSION_TYPE": "cachelib", "SESSION_CACHELIB": cache}
    elif store_name == "mongodb":
        config |= {"SESSION_TYPE": "mongodb", "SESSION_MONGODB": f"mongodb://{address}"}
    elif store_name in {"sqlite", "mariadb", "postgresql"}:
        urls = {
            "sqlite": f"sqlite+aiosqlite:///{tmp_path / 'sessions.sqlite3'}",
            "mariadb": f"mysql+aiomysql://root@{address}/test",
            "postgresql": f"postgresql+asyncpg://postgres@{address}/postgres",
        }
        engine = create_async_engine(urls[store_name])
        config |= {"SESSION_TYPE": "sqlalchemy", "SESSION_SQLALCHEMY": engine}
    yield config
    if engine is not None:
        await engine.dispose()
