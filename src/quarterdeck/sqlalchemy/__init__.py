"""SQLAlchemy for Quart: models, a db session per request, queries and pages."""

from .collection import DynamicCollection, DynamicMapped, dynamic_relationship
from .extension import SQLAlchemy
from .model import ModelMixin
from .pagination import Pagination
from .query import Query
from .session import Session
from .types import ExactDecimal, UTCDateTime

__all__ = [
    "DynamicCollection",
    "DynamicMapped",
    "ExactDecimal",
    "ModelMixin",
    "Pagination",
    "Query",
    "SQLAlchemy",
    "Session",
    "UTCDateTime",
    "dynamic_relationship",
]
