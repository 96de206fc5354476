"""A server of one process: Hypercorn with WebSockets that can be trusted and stops that end."""

from .config import Config
from .server import serve

__all__ = ["Config", "serve"]
