"""Whether the process lives and whether it can work, for probes and load balancers."""

from __future__ import annotations

from typing import Any

from quarterdeck.app import Blueprint
from quarterdeck.login import public
from quarterdeck.session import stateless
from quarterdeck_crm.extensions import health

bp = stateless(Blueprint("health", __name__, url_prefix="/health"))


@bp.get("/live")
@public
async def live() -> tuple[dict[str, Any], int]:
    """Answer as long as the process does."""
    return await health.live()


@bp.get("/ready")
@public
async def ready() -> tuple[dict[str, Any], int]:
    """Answer 200 if all dependencies work, 503 with the names of those that do not."""
    return await health.ready()
