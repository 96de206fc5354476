"""Hypercorn with bounded connections and a graceful stop, in one process or in several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quarterdeck import _deferred
from quarterdeck._process import MAX_WORKERS

from .config import Config

if TYPE_CHECKING:
    from .server import serve
    from .supervisor import Plan, Supervisor, run, start
else:  # the supervisor of several workers imports no server
    __getattr__ = _deferred.deferred(
        __name__,
        {"serve": "server"} | dict.fromkeys(("Plan", "Supervisor", "run", "start"), "supervisor"),
    )

__all__ = ["MAX_WORKERS", "Config", "Plan", "Supervisor", "run", "serve", "start"]
