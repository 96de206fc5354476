"""Stands in for Flask-SQLAlchemy, versions 2 and 3."""

from __future__ import annotations

from quarterdeck import _extras

_extras.needs("sqlalchemy", "sqlalchemy", "greenlet", "aiosqlite")

from quarterdeck.sqlalchemy.track_modifications import before_models_committed, models_committed

from .extension import Model, SQLAlchemy
from .pages import Pagination, QueryPagination, SelectPagination
from .queries import QueryInfo, get_debug_queries, get_recorded_queries
from .query import DynamicQuery, Query
from .session import ScopedSession, Session

BaseQuery = Query

__all__ = [
    "BaseQuery",
    "DynamicQuery",
    "Model",
    "Pagination",
    "Query",
    "QueryInfo",
    "QueryPagination",
    "SQLAlchemy",
    "ScopedSession",
    "SelectPagination",
    "Session",
    "before_models_committed",
    "get_debug_queries",
    "get_recorded_queries",
    "models_committed",
]
