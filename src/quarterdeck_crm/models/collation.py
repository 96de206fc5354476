"""How texts are compared and sorted, by the same rules on every database.

SQLite compares bytes, and MariaDB and MySQL by a collation that depends on the version of the
server. So next to a text that users search or sort by stands a column with its key, which all
databases compare by bytes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, event, inspect
from sqlalchemy.orm import Mapped, Mapper, mapped_column

from quarterdeck_crm.extensions import Model

from .columns import exact

CODE_LENGTH = 32
MAX_GROWTH = 3  # characters of a ``same_key`` for one of its text
KEY = "key"  # in the ``info`` of a column
Rule = Callable[[str, int], str]


def fold(text: str) -> str:
    """Return text without upper case, accents and compatibility forms."""
    plain = _compatible(_compatible(text).casefold())
    bare = "".join(char for char in plain if not "\u0300" <= char <= "\u036f")
    return unicodedata.normalize("NFKC", bare)


def same_key(text: str) -> str:
    """Return a text that equals that of all texts that count as the same.

    They may differ in upper and lower case, in spaces, and in the way in which Unicode composes
    their characters. This is the canonical caseless matching of the Unicode standard.
    """
    folded = unicodedata.normalize("NFD", text).casefold()
    return _spaced(unicodedata.normalize("NFC", folded))


def sort_key(text: str, length: int) -> str:
    """Return a text to sort by: case and accents do not count."""
    return _spaced(fold(text))[:length].rstrip()


def unique_key(text: str, length: int) -> str:
    """Return a text to sort by and to compare: equal for the same texts, and for no others."""
    first, same = sort_key(text, length), same_key(text)
    return same if first == same else f"{first}!{same}"


def code_key(text: str) -> str:
    """Return the key of a code or a number."""
    return unique_key(text, CODE_LENGTH)


def sorted_as(source: str, length: int, **options: Any) -> Mapped[str]:
    """Declare the column to sort by in place of ``source``; the key of None is empty."""
    return _key_column(source, sort_key, length, length, options, empty="")


def matched_as(
    source: str, length: int, *, empty: str | None = None, **options: Any
) -> Mapped[Any]:
    """Declare the column to compare and to sort by in place of ``source``.

    Args:
        source: The attribute with the text.
        length: How many characters that has at most.
        empty: The key of None.
        options: Those of ``mapped_column``.
    """
    stored = length + 1 + MAX_GROWTH * length
    return _key_column(source, unique_key, length, stored, options, empty=empty)


def _key_column(
    source: str,
    rule: Rule,
    length: int,
    stored: int,
    options: dict[str, Any],
    *,
    empty: str | None,
) -> Mapped[Any]:
    def key(text: str | None) -> str | None:
        return empty if text is None else rule(text, length)

    def default(context: Any) -> str | None:
        return key(context.get_current_parameters().get(source))

    return mapped_column(exact(stored), default=default, info={KEY: (source, key)}, **options)


@event.listens_for(Model, "before_update", propagate=True)
def _follow(mapper: Mapper[Any], _connection: Connection, row: Model) -> None:
    attributes = inspect(row).attrs
    for column in mapper.local_table.columns:  # without expressions
        if KEY in column.info:
            source, key = column.info[KEY]
            if attributes[source].history.has_changes():
                setattr(row, column.key, key(getattr(row, source)))


def _compatible(text: str) -> str:
    return unicodedata.normalize("NFKD", text)


def _spaced(text: str) -> str:
    return " ".join(text.split())
