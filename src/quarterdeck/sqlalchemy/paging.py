"""Fetching one page: by number or by cursor, with or without a count."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Unpack

from quart import abort, has_request_context, request
from sqlalchemy import Result, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import lazyload

from quarterdeck.exceptions import BadCursorError

from . import distinct
from .keyset import Keys
from .pagination import PageOptions, Pagination

PER_PAGE = 20
MAX_NUMBER = 10**9  # what is larger is nonsense, and would overflow an OFFSET


async def paginate(
    session: AsyncSession,
    statement: Select[Any],
    *,
    rows: bool = False,
    **options: Unpack[PageOptions],
) -> Pagination[Any]:
    """Fetch one page of the results of a statement; see ``SQLAlchemy.paginate``.

    Args:
        session: The db session.
        statement: The statement to page.
        rows: Whether the items are whole rows, instead of the first column of each.
        options: See ``PageOptions``.
    """
    error_out = options.get("error_out", True)
    page = _number("page", options.get("page"), 1, error_out)
    per_page = _number("per_page", options.get("per_page"), PER_PAGE, error_out)
    max_per_page = options.get("max_per_page", 100)
    if max_per_page is not None:
        per_page = min(per_page, max_per_page)
    by, after, before = options.get("by", ()), options.get("after"), options.get("before")
    keys = Keys(by) if by else None
    offset = None if keys and (after or before) else (page - 1) * per_page
    source = _Source(session, statement, rows)
    if keys and offset is None:
        found = await _seek(source, keys, per_page, after, before)
    else:
        # One item more tells whether there is a next page.
        order = keys.order(names_nulls=source.names_nulls) if keys else ()
        found = await source.fetch(statement.order_by(*order), per_page + 1, offset)
    if not found and page != 1 and error_out and offset is not None:
        abort(404)
    back = bool(offset is None and not after)
    items = found[-per_page:] if back else found[:per_page]
    more = back or len(found) > per_page
    total, is_exact = await _count(source, options.get("count", True), offset, items, more)
    ends: tuple[str | None, str | None] = (None, None)
    if keys and items:
        position = options.get("position", keys.position)
        ends = keys.cursor(position(items[0])), keys.cursor(position(items[-1]))
    return Pagination(
        items,
        page=page,
        per_page=per_page,
        total=total,
        is_total_exact=is_exact,
        more=more,
        before=ends[0],
        after=ends[1],
        max_per_page=max_per_page,
        turn=partial(paginate, session, statement, **_same_pages(options, rows, per_page)),
    )


def _same_pages(options: PageOptions, rows: bool, per_page: int) -> dict[str, Any]:
    """Return the arguments for another page of the same list."""
    rest = {k: v for k, v in options.items() if k not in {"page", "error_out", "after", "before"}}
    return rest | {"rows": rows, "per_page": per_page}


class _Source:
    """A statement and the session that runs it.

    Attributes:
        entity: The model, if the statement selects one and nothing else.
        repeats: Whether rows may hold an object more than once.
    """

    def __init__(self, session: AsyncSession, statement: Select[Any], rows: bool) -> None:
        self.session = session
        self.statement = statement
        self.rows = rows
        self.entity = None if rows else distinct.entity_of(statement)
        self.repeats = self.entity is not None and distinct.repeats(statement, self.entity)

    @property
    def dialect(self) -> str:
        return self.session.get_bind(clause=self.statement).dialect.name

    @property
    def names_nulls(self) -> bool:
        """Whether NULL sorts after all values unless the statement says otherwise."""
        return self.dialect == "postgresql"

    async def fetch(
        self, statement: Select[Any], limit: int, offset: int | None = None
    ) -> Sequence[Any]:
        if self.repeats:
            return await distinct.fetch(self.session, statement, self.entity, limit, offset)
        result: Result[Any] = await self.session.execute(statement.limit(limit).offset(offset))
        if self.rows:
            return result.all()
        # Eager loading of collections asks for it; values that are equal are no repetition.
        return (result if self.entity is None else result.unique()).scalars().all()

    async def count(self, limit: int | None) -> int:
        if not self.repeats:
            return await count_rows(self.session, self.statement, limit)
        keys = distinct.keys_of(self.statement, self.entity).distinct()
        return await _count_of(self.session, keys, limit)


async def _seek(
    source: _Source, keys: Keys, per_page: int, after: str | None, before: str | None
) -> Sequence[Any]:
    """Return the rows beside a cursor, in the order of the list, and one more if there is."""
    rows = source.dialect in {"sqlite", "postgresql"}
    try:
        beside = keys.beside(
            source.statement, after=after, before=before, rows=rows, names_nulls=source.names_nulls
        )
    except BadCursorError:
        abort(404)
    found = await source.fetch(beside, per_page + 1)
    return found if after else found[::-1]


async def _count(
    source: _Source,
    count: bool | int,
    offset: int | None,
    items: Sequence[Any],
    more: bool,
) -> tuple[int | None, bool]:
    """Return how many there are, as far as it is asked for, and whether that is all."""
    if count is False:
        return None, False
    if offset is not None and not more and (items or not offset):
        return offset + len(items), True  # the last page: no need to count
    limit = None if count is True else count
    total = await source.count(limit)
    return (total, True) if limit is None or total <= limit else (limit, False)


async def count_rows(
    session: AsyncSession, statement: Select[Any], limit: int | None = None
) -> int:
    """Return how many rows a statement would give; one more than ``limit`` stands for more."""
    entity = distinct.entity_of(statement)
    if entity is None:
        counted = statement.order_by(None).options(lazyload("*"))
    else:
        counted = distinct.keys_of(statement, entity)  # which an index may have
    return await _count_of(session, counted, limit)


async def _count_of(session: AsyncSession, counted: Select[Any], limit: int | None) -> int:
    if limit is not None:
        counted = counted.limit(limit + 1)
    return (await session.scalar(select(func.count()).select_from(counted.subquery()))) or 0


def _number(name: str, given: int | None, default: int, error_out: bool) -> int:
    raw: Any = given
    if given is None:
        raw = request.args.get(name, default) if has_request_context() else default
    try:
        number = int(raw)
    except ValueError:
        number = 0
    if 1 <= number <= MAX_NUMBER:
        return number
    if error_out:
        abort(404)
    return default
