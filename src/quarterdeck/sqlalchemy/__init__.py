"""SQLAlchemy for Quart: models, a db session per request, queries and pages."""

from .collection import DynamicCollection, DynamicMapped, dynamic_relationship
from .decimals import ExactDecimal
from .extension import SQLAlchemy
from .limits import no_time_limit
from .model import ModelMixin
from .moments import UTCDateTime
from .pagination import Pagination
from .pool import PoolStatus
from .query import Query
from .session import Session

__all__ = [
    "DynamicCollection",
    "DynamicMapped",
    "ExactDecimal",
    "ModelMixin",
    "Pagination",
    "PoolStatus",
    "Query",
    "SQLAlchemy",
    "Session",
    "UTCDateTime",
    "dynamic_relationship",
    "no_time_limit",
]
