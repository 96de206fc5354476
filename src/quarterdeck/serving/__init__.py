"""Hypercorn with bounded connections and a graceful stop, in one process or in several."""

from quarterdeck._cli import MAX_WORKERS

from .config import Config
from .server import serve
from .supervisor import Plan, Supervisor, run, start

__all__ = ["MAX_WORKERS", "Config", "Plan", "Supervisor", "run", "serve", "start"]
