"""The WebSocket of the pages: it tells them that the notices have changed."""

from noticeboard.extensions import hub
from quarterdeck.app import Blueprint
from quarterdeck.login import current_user
from quarterdeck.sockets import Member

bp = Blueprint("live", __name__)


@hub.identify
async def identify() -> Member:
    return Member(current_user.get_id(), current_user.name)


@hub.room("notices")
async def may_watch(member: Member) -> bool:
    return True


@bp.websocket("/ws")
async def live() -> None:
    await hub.serve()
