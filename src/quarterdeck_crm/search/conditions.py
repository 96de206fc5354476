"""Search words and sort keys turned into SQL that indexes answer."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, ColumnElement, Select, and_, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.sql.functions import FunctionElement

from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import Account, Contact, Person, SearchWord
from quarterdeck_crm.models.collation import fold, sort_key
from quarterdeck_crm.models.search_word import LENGTH

from .keys import phone_query
from .word_index import Subject

MAX_WORDS = 8
MAX_LENGTH = 200
MAX_FOUND = 500
LAST = "\U0010ffff"  # stands behind every character


def words_in(q: str) -> list[str]:
    """Return the words of a search text, each once."""
    return list(dict.fromkeys(q.split()))[:MAX_WORDS]


def matching(q: str, model: Subject) -> list[ColumnElement[bool]]:
    """Return one condition per word of ``q``: a word of the row begins with it."""
    return [model.id.in_(found_by(term, model)) for term in terms_of(q, model)]


def terms_of(q: str, model: Subject) -> list[str]:
    """Return the words of ``q``; a phone number with spaces is one where rows have numbers."""
    if model in (Account, Person) and (number := phone_query(q)):
        return [number]
    return words_in(q)


def found_by(word: str, model: Subject) -> Select[int]:
    """Return the ids of the rows that have a word beginning with this one."""
    return select(SearchWord.subject_id).where(begins_with(SearchWord, word, model))


def begins_with(row: type[SearchWord], word: str, model: Subject) -> ColumnElement[bool]:
    """Return the condition that a row of the index is of a model and begins with a word."""
    begin = fold(word)[:LENGTH]
    is_of_model = row.subject_type == model.__tablename__
    return and_(is_of_model, row.word >= begin, row.word < begin + LAST)


def found_few(q: str, model: Subject, *, most: int = MAX_FOUND) -> Select[int]:
    """Return the ids of up to ``most`` rows that match, those with the same word itself first.

    For short lists that are sorted by something else: however many rows match, no more are
    sorted.
    """
    first, *others = sorted(terms_of(q, model), key=len, reverse=True)
    found = found_by(first, model)
    for word in others:
        found = found.where(SearchWord.subject_id.in_(found_by(word, model)))
    # By the column alone SQLite would read all words of the model in the order of their rows.
    found = found.with_only_columns(without_index(SearchWord.subject_id).label("subject_id"))
    few = found.distinct().limit(most).subquery()
    return select(few.c.subject_id)


def begins(column: Any, word: str) -> ColumnElement[bool]:
    """Return the condition that the text of a key column begins with a word."""
    return _Begins(column, *_limits(sort_key(word, MAX_LENGTH)))


def _limits(word: str) -> tuple[str, str, str]:
    pattern = "".join(f"/{char}" if char in "/%_" else char for char in word)
    return f"{pattern}%", word, word + LAST


class _Begins(FunctionElement[bool]):
    """``column LIKE pattern``; on SQLite a range, because its LIKE uses no index here."""

    type = Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        """Stay a comparison: ``... = 1`` around it would keep MySQL from the index."""
        return Grouping(self)


@compiles(_Begins)
def _like(element: _Begins, compiler: Any, **options: Any) -> str:
    column, pattern = (compiler.process(part, **options) for part in [*element.clauses][:2])
    return f"{column} LIKE {pattern} ESCAPE '/'"


@compiles(_Begins, "sqlite")
def _range(element: _Begins, compiler: Any, **options: Any) -> str:
    column, _, first, last = element.clauses
    column, first, last = (compiler.process(part, **options) for part in (column, first, last))
    return f"({column} >= {first} AND {column} < {last})"


def contacts_of(person_id: int) -> Select[Any]:
    """Return a statement for the ids of a person's contacts, of which each account has one."""
    return select(Contact.id).where(Contact.person_id == person_id)


def without_index(column: Any) -> ColumnElement[Any]:
    """Return a column as a value that no index is read by.

    For a condition that many rows meet, next to one that few meet. SQLite assumes that both are
    equally rare, and prefers an index in the order of the list: it then reads all of the many.
    """
    return func.coalesce(column, column)


def ordering(listing: Listing, *columns: Any) -> list[ColumnElement[Any]]:
    """Return the ORDER BY of a list; the last column must be unique, so that pages have cursors."""
    return [column.desc() if listing.descending else column.asc() for column in columns]
