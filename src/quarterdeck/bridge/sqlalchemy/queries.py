"""The statements of a request, under the names of both versions of Flask-SQLAlchemy."""

from __future__ import annotations

from quarterdeck.sqlalchemy.record_queries import QueryInfo, get_recorded_queries

__all__ = ["QueryInfo", "get_debug_queries", "get_recorded_queries"]

get_debug_queries = get_recorded_queries
