"""The one WebSocket of the CRM."""

from __future__ import annotations

from quarterdeck.login import login_required
from quarterdeck_crm.extensions import hub
from quarterdeck_crm.web.limits import limited

from . import bp as bp
from . import identity as identity
from . import rooms as rooms


@bp.websocket("/ws")
@login_required
@limited("LIMIT_WEBSOCKETS")
async def live() -> None:
    await hub.serve()
