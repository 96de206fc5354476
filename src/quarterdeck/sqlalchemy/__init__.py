"""SQLAlchemy for Quart: models, a db session per request, queries and pages."""

from quarterdeck import _extras

_extras.needs("sqlalchemy", "sqlalchemy", "greenlet", "aiosqlite")

from .collection import DynamicCollection, DynamicMapped, dynamic_relationship
from .extension import SQLAlchemy
from .keyset import Keys
from .model import ModelMixin
from .pagination import PageOptions, Pagination
from .pool import PoolStatus
from .query import Query
from .session import Session
from .timeouts import no_time_limit
from .types import ExactDecimal, UTCDateTime

__all__ = [
    "DynamicCollection",
    "DynamicMapped",
    "ExactDecimal",
    "Keys",
    "ModelMixin",
    "PageOptions",
    "Pagination",
    "PoolStatus",
    "Query",
    "SQLAlchemy",
    "Session",
    "UTCDateTime",
    "dynamic_relationship",
    "no_time_limit",
]
