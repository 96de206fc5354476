"""Pages of lists that are searched by words, quick however many rows match."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from quarterdeck.sqlalchemy import Pagination
from quarterdeck_crm.listing import MAX_COUNTED, Listing, paginate
from quarterdeck_crm.models import SearchWord

from .conditions import begins_with, found_by, terms_of, without_index
from .word_index import Subject

T = TypeVar("T")


async def paginate_found(
    session: AsyncSession,
    statement: Select[T],
    listing: Listing,
    *,
    model: Subject,
    by: Sequence[ColumnElement[Any]],
    if_few: Sequence[ColumnElement[bool]] = (),
) -> Pagination[T]:
    """Return the page of a list, of the rows that match ``listing.q``, counted up to a limit.

    The matches are counted in the index of words, or in that of ``if_few``. If there are few,
    the page is chosen among them; those of several words are found once. Where there are many,
    the list is walked in its order and each row is asked for the words; the database would
    collect and sort all that match instead.

    Args:
        session: The db session.
        statement: All rows of the list, from one table, neither searched nor sorted.
        listing: The words, and the page.
        model: The model of the rows.
        by: Columns to sort by; see ``listing.paginate``.
        if_few: Conditions that all rows of ``statement`` meet, for an index that finds them.

    Raises:
        NotFoundError: If the list ends before this page.
    """
    terms = terms_of(listing.q, model)
    if terms:
        terms = await _rarest_first(session, terms, model)
        found = _found(statement, terms, model)
        among: list[ColumnElement[bool]]
        if len(terms) == 1:
            matches = await _count(session, found)
            among = [model.id.in_(found_by(terms[0], model))]
        else:  # found once, because it takes long
            ids = (await session.scalars(found.limit(MAX_COUNTED + 1))).all()
            matches, among = len(ids), [model.id.in_(ids)]
        if matches > MAX_COUNTED:
            among = [_has(term, model) for term in terms]
        statement = statement.where(*among)
    elif if_few:
        matches = await _count(session, statement.with_only_columns(model.id).where(*if_few))
        if matches <= MAX_COUNTED:
            statement = statement.where(*if_few)
    else:
        return await paginate(session, statement, listing, by=by, count=MAX_COUNTED)
    page = await paginate(session, statement, listing, by=by, count=False)
    page.total, page.is_total_exact = min(matches, MAX_COUNTED), matches <= MAX_COUNTED
    return page


async def _rarest_first(session: AsyncSession, terms: list[str], model: Subject) -> list[str]:
    if len(terms) == 1:
        return terms
    few = (found_by(term, model).limit(MAX_COUNTED).subquery() for term in terms)
    counts = (select(func.count()).select_from(each).scalar_subquery() for each in few)
    found = (await session.execute(select(*counts))).one()
    return [term for _count, term in sorted(zip(found, terms, strict=True))]


def _found(statement: Select[Any], terms: list[str], model: Subject) -> Select[int]:
    """Return the ids of the rows of a statement that have all words."""
    first, *others = terms
    word: Any = aliased(SearchWord)
    found = (
        select(without_index(word.subject_id))  # see ``found_few``
        .distinct()
        .prefix_with("STRAIGHT_JOIN", dialect="mysql")  # from the words to the rows
        .prefix_with("STRAIGHT_JOIN", dialect="mariadb")
        .join_from(word, model, model.id == word.subject_id)
        .where(begins_with(word, first, model), *(_has(term, model) for term in others))
    )
    if statement.whereclause is not None:
        found = found.where(statement.whereclause)
    return found


async def _count(session: AsyncSession, statement: Select[Any]) -> int:
    """Return how many rows match, at most one more than ``MAX_COUNTED``."""
    few = statement.limit(MAX_COUNTED + 1).subquery()
    return await session.scalar(select(func.count()).select_from(few)) or 0


def _has(term: str, model: Subject) -> ColumnElement[bool]:
    """Return the condition that a row has a word, answered row by row because of its limit."""
    word: Any = aliased(SearchWord)
    found = select(literal(1)).where(word.subject_id == model.id, begins_with(word, term, model))
    return found.limit(1).correlate(model).scalar_subquery() == 1
