"""Hypercorn with bounded connections and a graceful stop, in one process or in several."""

from .config import Config
from .server import serve
from .supervisor import Plan, Supervisor, run, start

__all__ = ["Config", "Plan", "Supervisor", "run", "serve", "start"]
