"""Search words and sort keys turned into SQL, the same way for every list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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
    words = q.split()[:MOST_WORDS]
    return [
        or_(*(_holds(place, spelling) for spelling in _spellings(word) for place in places))
        for word in words
    ]


def _spellings(word: str) -> Iterable[str]:
    """Return the ways in which a word may stand in a text; SQLite folds the case of ASCII only."""
    if word.isascii():
        return [word]
    return dict.fromkeys((word, word.lower(), word.upper(), word.capitalize()))


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
