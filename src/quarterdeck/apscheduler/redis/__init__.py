"""Jobs, lease and history in Redis or Valkey."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .connection import make_connection
from .coordinator import RedisCoordinator
from .store import RedisStore

if TYPE_CHECKING:
    from quart import Quart

__all__ = ["make_coordinator", "make_store"]


def make_store(options: Mapping[str, Any], config: Mapping[str, Any], app: Quart) -> RedisStore:
    """Return the store; the option ``client`` wins over ``SCHEDULER_REDIS``."""
    return RedisStore(make_connection(config, app, options.get("client")))


def make_coordinator(config: Mapping[str, Any], app: Quart) -> RedisCoordinator:
    """Return the coordinator on ``SCHEDULER_REDIS``."""
    return RedisCoordinator(make_connection(config, app))
