"""Several processes that serve one app, and a supervisor that keeps them alive."""

from __future__ import annotations

from .plan import Plan
from .start import run, start
from .supervisor import Supervisor

__all__ = ["Plan", "Supervisor", "run", "start"]
