"""Jobs, lease and history in tables, over the app's own engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .coordinator import SQLAlchemyCoordinator
from .database import make_database
from .store import SQLAlchemyStore
from .tables import SchedulerTables, scheduler_tables

if TYPE_CHECKING:
    from quart import Quart

__all__ = ["SchedulerTables", "make_coordinator", "make_store", "scheduler_tables"]


def make_store(
    options: Mapping[str, Any], config: Mapping[str, Any], app: Quart
) -> SQLAlchemyStore:
    """Return the store; the option ``engine`` wins over ``SCHEDULER_SQLALCHEMY``."""
    return SQLAlchemyStore(make_database(config, app, options.get("engine")))


def make_coordinator(config: Mapping[str, Any], app: Quart) -> SQLAlchemyCoordinator:
    """Return the coordinator on ``SCHEDULER_SQLALCHEMY``."""
    return SQLAlchemyCoordinator(make_database(config, app))
