"""``/ws/echo``: each message comes back as it was sent, for clients, probes and the docs."""

from __future__ import annotations

from typing import NoReturn

from quart import current_app, websocket

from quarterdeck.app import Blueprint
from quarterdeck.app.websocket import OpenWebsockets
from quarterdeck.login import public
from quarterdeck.session import stateless
from quarterdeck_crm.extensions import csrf

#: WebSockets of this process, and of one address: strangers may open them, and probes need few.
MAX_CONNECTIONS, MAX_PER_ADDRESS = 200, 20

_KEY = "crm_echo"

bp = stateless(Blueprint("echo", __name__, url_prefix="/ws"))


@bp.websocket("/echo")
@public
@csrf.exempt  # from any origin: it reads no cookie, knows nothing and changes nothing
async def echo() -> None:
    """Return each text or binary message until the client leaves.

    One WebSocket too many is refused at the handshake, with 429 or 503.
    """
    counter: OpenWebsockets = current_app.extensions.setdefault(_KEY, OpenWebsockets())
    client = (websocket.remote_addr or "<local>", websocket.path)
    refusal = counter.refusal(client, max_total=MAX_CONNECTIONS, max_per_client=MAX_PER_ADDRESS)
    if refusal is not None:
        raise refusal
    with counter.one_more(client):
        await _echo()


async def _echo() -> NoReturn:
    while True:
        await websocket.send(await websocket.receive())
