"""Pages of results; the next and the previous page are awaited in an ``async def``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from quart import abort, has_request_context, request

from quarterdeck.bridge.colours import coloured
from quarterdeck.sqlalchemy import Pagination as KitPagination

__all__ = ["Pagination", "QueryPagination", "SelectPagination", "page_of"]

T = TypeVar("T", bound=Any)
DEFAULT_PER_PAGE = 20


class Pagination(KitPagination[T]):
    """One page."""

    next = coloured(KitPagination.next, name="pagination.next")
    prev = coloured(KitPagination.prev, name="pagination.prev")


QueryPagination = SelectPagination = Pagination


def page_of(
    fetch: Callable[[int, int], list[Any]],
    count_all: Callable[[], int],
    page: int | None = None,
    per_page: int | None = None,
    error_out: bool = True,
    max_per_page: int | None = None,
    count: bool = True,
) -> Pagination[Any]:
    """Fetch a page as Flask-SQLAlchemy does.

    Args:
        fetch: Returns the items for a limit and an offset.
        count_all: Returns how many items there are.
        page: As the others, see ``Query.paginate``.
        per_page: Items of a page.
        error_out: Whether a page that does not exist is answered 404.
        max_per_page: The most items of a page.
        count: Whether to count all items.
    """
    page = _number("page", page, 1, error_out)
    per_page = _number("per_page", per_page, DEFAULT_PER_PAGE, error_out)
    if max_per_page is not None:
        per_page = min(per_page, max_per_page)
    items = fetch(per_page, (page - 1) * per_page)
    if not items and page != 1 and error_out:
        abort(404)

    async def turn(page: int, error_out: bool, **_cursor: Any) -> Pagination[Any]:
        return page_of(fetch, count_all, page, per_page, error_out, max_per_page, count)

    total = count_all() if count else None
    return Pagination(
        items, page=page, per_page=per_page, total=total, max_per_page=max_per_page, turn=turn
    )


def _number(name: str, given: int | None, default: int, error_out: bool) -> int:
    raw: Any = given
    if given is None:
        raw = request.args.get(name, default) if has_request_context() else default
    try:
        number = int(raw)
    except (TypeError, ValueError):
        number = 0
    if number >= 1:
        return number
    if error_out:
        abort(404)
    return default
