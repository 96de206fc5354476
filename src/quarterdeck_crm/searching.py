"""Search words and sort keys turned into SQL, the same way for every list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, or_

from .listing import Listing

MOST_WORDS = 8


def matching(q: str, *places: Callable[[str], ColumnElement[bool]] | Any) -> list[Any]:
    """Return one condition per word of ``q``: each word stands in at least one place.

    Args:
        q: What was typed into the search box.
        places: Columns, or functions that turn a word into a condition.
    """
    return [
        or_(*(_holds(place, word) for place in places)) for word in q.split(maxsplit=MOST_WORDS)
    ]


def _holds(place: Any, word: str) -> Any:
    return place(word) if callable(place) else place.icontains(word, autoescape=True)


def ordered(
    statement: Select[Any], listing: Listing, sorts: Mapping[str, Any], *, tie: Any
) -> Select[Any]:
    """Order a list as asked; ``tie`` keeps rows that are equal in one order over the pages."""
    key = sorts[listing.sort]
    if listing.descending:
        return statement.order_by(key.desc(), tie.desc())
    return statement.order_by(key.asc(), tie.asc())
