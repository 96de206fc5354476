"""Whether the process lives and whether it can work, for probes and load balancers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from quart import current_app
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from quarterdeck.app import Blueprint
from quarterdeck.exceptions import QuarterdeckError
from quarterdeck.login import public
from quarterdeck.session import stateless

from .extensions import db, hub, sessions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

bp = stateless(Blueprint("health", __name__, url_prefix="/health"))

CHECK_SECONDS = 2.0


@bp.get("/live")
@public
async def live() -> dict[str, Any]:
    """Answer as long as the process does."""
    return {"status": "live"}


@bp.get("/ready")
@public
async def ready() -> tuple[dict[str, Any], int]:
    """Answer 200 when everything needed is there, 503 with the names of what is down."""
    down = [name for name, check in CHECKS.items() if not await _passes(name, check)]
    if down:
        return {"status": "unavailable", "down": down}, 503
    return {"status": "ready"}, 200


async def check_database() -> None:
    """Ask the database for something that every database has."""
    async with db.new_session() as session:
        await session.execute(select(1))


CHECKS: dict[str, Callable[[], Awaitable[None]]] = {
    "database": check_database,
    "sessions": sessions.check,
    "live": hub.check,
}


async def _passes(name: str, check: Callable[[], Awaitable[None]]) -> bool:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except (QuarterdeckError, SQLAlchemyError, OSError, TimeoutError) as error:
        current_app.logger.warning("Not ready: %s: %s", name, error)
        return False
    return True
