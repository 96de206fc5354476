"""One page of a result, ready for templates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Any, Generic, TypeVar

from quart import abort, has_request_context, request
from sqlalchemy import ColumnElement, Select, func, inspect, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapper, lazyload

from .keyset import BadCursorError, Keys

T = TypeVar("T")

PER_PAGE = 20
MAX_NUMBER = 10**9  # what is larger is nonsense, and would overflow an OFFSET


class Pagination(Generic[T]):
    """The items of one page and what a pager needs; nothing in it waits.

    Attributes:
        items: The items of this page.
        page: Its number, from 1.
        per_page: How many items a full page has.
        total: How many items there are on all pages, or None if they were not counted.
        is_total_exact: False if there are more than ``total``, up to which they were counted.
        after: Where the last item stands, for the page that follows; None without ``by``.
        before: Where the first item stands, for the page that comes before.
    """

    def __init__(
        self,
        items: Sequence[T],
        *,
        page: int,
        per_page: int,
        total: int | None,
        is_total_exact: bool = True,
        more: bool | None = None,
        after: str | None = None,
        before: str | None = None,
    ) -> None:
        self.items = list(items)
        self.page = page
        self.per_page = per_page
        self.total = total
        self.is_total_exact = is_total_exact
        self.after = after
        self.before = before
        self._more = more

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<Pagination page={self.page} of {self.pages}, total={self.total}>"

    @property
    def pages(self) -> int:
        """How many pages there are, as far as was counted; 0 without items or count."""
        return ceil((self.total or 0) / self.per_page)

    @property
    def first(self) -> int:
        """The position of the first item of this page, from 1; 0 on an empty page."""
        return (self.page - 1) * self.per_page + 1 if self.items else 0

    @property
    def last(self) -> int:
        """The position of the last item of this page."""
        return max(self.first + len(self.items) - 1, 0)

    @property
    def has_prev(self) -> bool:
        return self.page > 1

    @property
    def has_next(self) -> bool:
        return self.page < self.pages if self._more is None else self._more

    @property
    def prev_num(self) -> int | None:
        return self.page - 1 if self.has_prev else None

    @property
    def next_num(self) -> int | None:
        return self.page + 1 if self.has_next else None

    def iter_pages(
        self,
        *,
        left_edge: int = 2,
        left_current: int = 2,
        right_current: int = 4,
        right_edge: int = 2,
    ) -> Iterator[int | None]:
        """Yield the page numbers to show, and None where some are left out.

        Args:
            left_edge: How many to show from the first page on.
            left_current: How many before the current page.
            right_current: How many after it.
            right_edge: How many up to the last page.
        """
        pages = self.pages
        shown = {
            *range(1, left_edge + 1),
            *range(self.page - left_current, self.page + right_current + 1),
            *range(pages - right_edge + 1, pages + 1),
        }
        before = 0
        for number in sorted(number for number in shown if 1 <= number <= pages):
            if number > before + 1:
                yield None
            yield number
            before = number


async def paginate(
    session: AsyncSession,
    statement: Select[Any],
    *,
    page: int | None = None,
    per_page: int | None = None,
    max_per_page: int | None = 100,
    error_out: bool = True,
    count: bool | int = True,
    by: Sequence[ColumnElement[Any]] = (),
    after: str | None = None,
    before: str | None = None,
) -> Pagination[Any]:
    """Fetch one page of what a statement selects; see ``SQLAlchemy.paginate``."""
    page = _number("page", page, 1, error_out)
    per_page = _number("per_page", per_page, PER_PAGE, error_out)
    if max_per_page is not None:
        per_page = min(per_page, max_per_page)
    keys = Keys(by) if by else None
    offset = None if keys and (after or before) else (page - 1) * per_page
    if keys and offset is None:
        found = await _seek(session, statement, keys, per_page, after, before)
    else:
        # One item more tells whether there is a next page.
        ordered = statement.order_by(*by).limit(per_page + 1).offset(offset)
        found = (await session.scalars(ordered)).unique().all()
    if not found and page != 1 and error_out:
        abort(404)
    back = bool(offset is None and not after)
    items = found[-per_page:] if back else found[:per_page]
    more = back or len(found) > per_page
    total, is_exact = await _count(session, statement, count, offset, items, more)
    return Pagination(
        items,
        page=page,
        per_page=per_page,
        total=total,
        is_total_exact=is_exact,
        more=more,
        after=keys.cursor(items[-1]) if keys and items else None,
        before=keys.cursor(items[0]) if keys and items else None,
    )


async def _seek(
    session: AsyncSession,
    statement: Select[Any],
    keys: Keys,
    per_page: int,
    after: str | None,
    before: str | None,
) -> Sequence[Any]:
    """Return the rows beside a cursor, in the order of the list, and one more if there is."""
    try:
        values = keys.values(after or before or "")
    except BadCursorError:
        abort(404)
    way = keys if after else keys.turned()
    rows = session.get_bind(clause=statement).dialect.name == "sqlite"
    beside = statement.where(way.beyond(values, rows=rows)).order_by(*way.by)
    found = (await session.scalars(beside.limit(per_page + 1))).unique().all()
    return found if after else found[::-1]


async def _count(
    session: AsyncSession,
    statement: Select[Any],
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
    total = await count_rows(session, statement, limit)
    return (total, True) if limit is None or total <= limit else (limit, False)


async def count_rows(
    session: AsyncSession, statement: Select[Any], limit: int | None = None
) -> int:
    """Return how many rows a statement would give; one more than ``limit`` stands for more."""
    counted = _keys_only(statement.order_by(None).options(lazyload("*")))
    if limit is not None:
        counted = counted.limit(limit + 1)
    return (await session.scalar(select(func.count()).select_from(counted.subquery()))) or 0


def _keys_only(statement: Select[Any]) -> Select[Any]:
    """Return a statement that selects a model reduced to the key, which an index may have."""
    described = statement.column_descriptions
    entity = described[0]["entity"] if len(described) == 1 else None
    if entity is None or described[0]["expr"] is not entity or not isinstance(entity, type):
        return statement
    mapper: Mapper[Any] = inspect(entity)
    return statement.with_only_columns(*mapper.primary_key, maintain_column_froms=True)


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
