"""The back end that connects several processes through Redis Streams."""

from __future__ import annotations

from .backend import RedisBackend, make_backend

__all__ = ["RedisBackend", "make_backend"]
