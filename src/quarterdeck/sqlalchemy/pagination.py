"""One page of a result, ready for templates."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from math import ceil
from typing import Any, Generic, TypedDict, TypeVar

from sqlalchemy import ColumnElement

from quarterdeck.exceptions import PageDetachedError

T = TypeVar("T")
Turn = Callable[..., Awaitable[Any]]


class Pagination(Generic[T]):
    """The items of one page and the data of a pager; only ``next`` and ``prev`` are awaited.

    Attributes:
        items: The items of this page.
        page: Its number, from 1.
        per_page: How many items a full page has.
        max_per_page: The limit that applied to ``per_page``.
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
        max_per_page: int | None = None,
        turn: Turn | None = None,
    ) -> None:
        self.items = list(items)
        self.page = page
        self.per_page = per_page
        self.total = total
        self.is_total_exact = is_total_exact
        self.after = after
        self.before = before
        self.max_per_page = max_per_page
        self._more = more
        self._turn = turn

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
        """Whether there is a page before this one."""
        return self.page > 1

    @property
    def has_next(self) -> bool:
        """Whether there is a page after this one."""
        return self.page < self.pages if self._more is None else self._more

    @property
    def prev_num(self) -> int | None:
        """The number of the page before this one; None on the first."""
        return self.page - 1 if self.has_prev else None

    @property
    def next_num(self) -> int | None:
        """The number of the page after this one; None on the last."""
        return self.page + 1 if self.has_next else None

    async def next(self, *, error_out: bool = False) -> Pagination[T]:
        """Fetch the next page; beyond the last one it is empty, or a 404 with ``error_out``."""
        return await self._turn_to(self.page + 1, error_out, after=self.after)

    async def prev(self, *, error_out: bool = False) -> Pagination[T]:
        """Fetch the previous page; before the first one, the first, or a 404."""
        return await self._turn_to(self.page - 1, error_out, before=self.before)

    async def _turn_to(self, page: int, error_out: bool, **cursor: str | None) -> Pagination[T]:
        if self._turn is None:
            raise PageDetachedError
        other: Pagination[T] = await self._turn(page=page, error_out=error_out, **cursor)
        return other

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


class PageOptions(TypedDict, total=False):
    """The options of ``paginate``, all of them optional.

    Attributes:
        page: The page from 1; from the query argument ``page`` if None, the default.
        per_page: Items per page; from the query argument ``per_page`` (else 20) if None, the
            default.
        max_per_page: The most that a visitor can ask for, 100 by default; None for no limit.
        error_out: Answer 404 for a page that is no number or has no items (but the first, and
            those from a cursor: the rest of the list may have been deleted). On by default.
        count: Whether to count all items, the default, or the number up to which to count them;
            without it ``has_next`` still works.
        by: Columns to order by, the last of them unique, so that the page has cursors:
            ``[Order.day.desc(), Order.id.desc()]``.
        position: Returns the values of ``by`` of an item; by default its attributes of the same
            names.
        after: The cursor ``after`` of another page: begin behind it, however deep that is.
        before: The cursor ``before`` of another page: end in front of it.
    """

    page: int | None
    per_page: int | None
    max_per_page: int | None
    error_out: bool
    count: bool | int
    by: Sequence[ColumnElement[Any]]
    position: Callable[[Any], Sequence[Any]]
    after: str | None
    before: str | None
