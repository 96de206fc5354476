"""The one WebSocket of the CRM."""

from __future__ import annotations

from quarterdeck.login import login_required
from quarterdeck_crm.extensions import hub

from . import bp as bp
from . import identity as identity
from . import rooms as rooms


@bp.websocket("/ws")
@login_required
async def live() -> None:
    await hub.serve()
