"""``/ws/echo``: each message comes back as it was sent, for clients, probes and the docs."""

from __future__ import annotations

from typing import NoReturn

from quart import websocket

from quarterdeck.app import Blueprint
from quarterdeck.login import public
from quarterdeck.session import stateless
from quarterdeck_crm.extensions import csrf

bp = stateless(Blueprint("echo", __name__, url_prefix="/ws"))


@bp.websocket("/echo")
@public
@csrf.exempt  # from any origin: it reads no cookie, knows nothing and changes nothing
async def echo() -> NoReturn:
    """Return each text or binary message until the client leaves."""
    while True:
        await websocket.send(await websocket.receive())
