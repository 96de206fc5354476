"""One page of a result, ready for templates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Any, Generic, TypeVar

from quart import abort, has_request_context, request
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import lazyload

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
    """

    def __init__(
        self,
        items: Sequence[T],
        *,
        page: int,
        per_page: int,
        total: int | None,
        more: bool = False,
    ) -> None:
        self.items = list(items)
        self.page = page
        self.per_page = per_page
        self.total = total
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
        """How many pages there are; 0 without items or count."""
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
        return self._more if self.total is None else self.page < self.pages

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
    count: bool = True,
) -> Pagination[Any]:
    """Fetch one page of what a statement selects; see ``SQLAlchemy.paginate``."""
    page = _number("page", page, 1, error_out)
    per_page = _number("per_page", per_page, PER_PAGE, error_out)
    if max_per_page is not None:
        per_page = min(per_page, max_per_page)
    offset = (page - 1) * per_page
    # Without a count, one item more tells whether there is a next page.
    limited = statement.limit(per_page if count else per_page + 1).offset(offset)
    found = (await session.scalars(limited)).unique().all()
    if not found and page != 1 and error_out:
        abort(404)
    items = found[:per_page]
    if not count:
        return Pagination(
            items, page=page, per_page=per_page, total=None, more=len(found) > per_page
        )
    if 0 < len(items) < per_page or (not items and page == 1):
        total = offset + len(items)  # the last page: no need to count
    else:
        total = await count_rows(session, statement)
    return Pagination(items, page=page, per_page=per_page, total=total)


async def count_rows(session: AsyncSession, statement: Select[Any]) -> int:
    """Return how many rows a statement would give."""
    subquery = statement.order_by(None).options(lazyload("*")).subquery()
    return (await session.scalar(select(func.count()).select_from(subquery))) or 0


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
