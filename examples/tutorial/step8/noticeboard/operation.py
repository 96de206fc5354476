"""The addresses that a load balancer or a monitor asks."""

from noticeboard.extensions import health
from quarterdeck.app import Blueprint
from quarterdeck.login import public

bp = public(Blueprint("operation", __name__, url_prefix="/health"))


@bp.get("/live")
async def live():
    return await health.live()


@bp.get("/ready")
async def ready():
    return await health.ready()
