"""Helpers for the tests of applications."""

from .database import isolated_database
from .statements import recorded_statements

__all__ = ["isolated_database", "recorded_statements"]
