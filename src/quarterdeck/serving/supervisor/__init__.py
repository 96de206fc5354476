"""Several processes that serve one app, and a supervisor that keeps them alive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quarterdeck import _deferred

from .plan import Plan

if TYPE_CHECKING:
    from .launch import run, start
    from .supervisor import Supervisor
else:  # the supervisor itself serves nothing
    __getattr__ = _deferred.deferred(
        __name__,
        {"Supervisor": "supervisor", "run": "launch", "start": "launch"},
    )

__all__ = ["Plan", "Supervisor", "run", "start"]
