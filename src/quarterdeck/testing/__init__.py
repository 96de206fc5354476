"""Helpers for the tests of applications."""

from .database import isolated_database

__all__ = ["isolated_database"]
