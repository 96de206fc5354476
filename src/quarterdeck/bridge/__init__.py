"""Flask code that stays synchronous, on the event loop: it waits without blocking other requests.

The modules of this room stand in for ``flask`` and its extensions::

    from quarterdeck.bridge.flask import Flask, render_template
    from quarterdeck.bridge.sqlalchemy import SQLAlchemy

Their functions give an awaitable to an ``async def``, and the result to a plain ``def``.
No other room imports this one. Needs ``quarterdeck[bridge]``.
"""

from quarterdeck import _extras

_extras.needs("bridge", "sqlalchemy", "greenlet")

from quarterdeck.exceptions import BridgeError

from .colours import Pending, coloured
from .hook import install_import_hook
from .threads import Thread, in_thread
from .wait_log import Wait, clear_waits, report_waits, waits, write_waits
from .waiting import drive, in_bridge, run, wait

__all__ = [
    "BridgeError",
    "Pending",
    "Thread",
    "Wait",
    "clear_waits",
    "coloured",
    "drive",
    "in_bridge",
    "in_thread",
    "install_import_hook",
    "report_waits",
    "run",
    "wait",
    "waits",
    "write_waits",
]
