"""A client for programs: it subscribes to rooms, yields their events, and reconnects.

::

    async with Client("https://crm.example.com/ws", token=TOKEN) as client:
        await client.subscribe("orders")
        async for happening in client:
            match happening:
                case Event(name=name, data=data):
                    print(name, data)
                case Gap(room=room):
                    ...  # events are missing: reload the state

Needs the extra ``quarterdeck[client]``.
"""

from __future__ import annotations

from quarterdeck import _extras

_extras.needs("client", "websockets")

from quarterdeck.sockets.event import Event

from .client import Client
from .messages import Gap, Happening, Presence

__all__ = ["Client", "Event", "Gap", "Happening", "Presence"]
