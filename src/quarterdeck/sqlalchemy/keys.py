"""Primary keys as cookies and URLs give them: text, and numbers that no row can have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Integer, inspect
from sqlalchemy.exc import DBAPIError


def fitting(entity: Any, ident: Any) -> Any:
    """Return a primary key as the database needs it: text for a number becomes the number.

    Raises:
        OverflowError: If it is text that cannot be a key, for :func:`unfit_is_nothing`.
    """
    if not isinstance(ident, str):
        return ident
    if "\0" in ident:  # PostgreSQL has no such text
        raise OverflowError(ident)
    columns = inspect(entity).mapper.primary_key
    if len(columns) != 1 or not isinstance(columns[0].type, Integer):
        return ident
    try:
        return int(ident)
    except ValueError:
        raise OverflowError(ident) from None


def identity_key(entity: Any, ident: Any) -> Any:
    """Return the key of an object in the identity map of a session.

    Args:
        entity: The model.
        ident: As for ``session.get``: a value, a tuple, or a dictionary by attribute.
    """
    mapper = inspect(entity).mapper
    if isinstance(ident, dict):
        names = (mapper.get_property_by_column(column).key for column in mapper.primary_key)
        ident = [ident.get(name) for name in names]
    elif not isinstance(ident, tuple | list):
        ident = [ident]
    return mapper.identity_key_from_primary_key(tuple(ident))


@contextmanager
def unfit_is_nothing() -> Iterator[None]:
    """Leave the block if a key cannot be that of a row: it is no error of the caller."""
    try:
        yield
    except OverflowError:  # SQLite refuses large numbers
        return
    except DBAPIError as error:
        driver_error = getattr(error.orig, "orig", None)
        if not isinstance(getattr(driver_error, "__cause__", None), OverflowError):  # of asyncpg
            raise
