"""The search words, order and page of a list; always from the URL."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select
from sqlalchemy.ext.asyncio import AsyncSession
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import NotFound

from quarterdeck.sqlalchemy import PageOptions, Pagination
from quarterdeck_crm.languages import lazy as _l

from .errors import NoSuchPageError
from .extensions import db
from .validation.numbers import row_id

T = TypeVar("T")

PER_PAGE = 20
MAX_PER_PAGE = 100
MAX_COUNTED = 10_000  # rows of a list that grows without limit; a page then shows "more than"
FIELD = "field_"
MAX_FIELDS = 50  # custom fields among the columns
_FIELD = re.compile(rf"{FIELD}[a-z0-9_]{{0,40}}")
NO_SUCH_PAGE = _l("The list has no such page. Go back to its first page.")


@dataclass(frozen=True, slots=True)
class Listing:
    """The ``q``, ``sort``, ``page`` and ``per_page`` of a list, made safe.

    Attributes:
        q: The words searched for, trimmed, at most 200 characters.
        sort: A key of the list's sort table; a leading ``-`` in the URL means descending.
        descending: Whether the order is reversed.
        page: From 1.
        per_page: From 1 to 100.
        after: Where the page begins, from another page's ``after``.
        before: Where the page ends.
        filters: Further query arguments that the page understands, empty ones left out.
        view: The id of the saved view that the list was opened with.
        columns: The chosen columns; empty for the usual ones. Names of custom fields begin with
            ``FIELD``; it stands alone where fields were offered and none was chosen.
        all_columns: The columns that can be chosen from.
        is_counted: Whether the rows of all pages are counted.
    """

    q: str = ""
    sort: str = ""
    descending: bool = False
    page: int = 1
    per_page: int = PER_PAGE
    after: str | None = None
    before: str | None = None
    filters: dict[str, str] = field(default_factory=dict)
    view: int | None = None
    columns: tuple[str, ...] = ()
    all_columns: tuple[str, ...] = ()
    is_counted: bool = True

    @classmethod
    def from_args(
        cls,
        args: Mapping[str, str],
        *,
        sorts: Mapping[str, Any],
        default: str,
        filters: tuple[str, ...] = (),
        columns: Iterable[str] = (),
    ) -> Listing:
        """Read the query arguments; an invalid value falls back to the default.

        Args:
            args: The query arguments of the request.
            sorts: The keys that the list can be sorted by.
            default: The order when none is asked for, for example ``"-created"``.
            filters: Names of further arguments to keep.
            columns: Names of the columns that can be chosen from.
        """
        asked = args.get("sort", default)
        if asked.lstrip("-") not in sorts:
            asked = default
        return cls(
            q=args.get("q", "").strip()[:200],
            sort=asked.lstrip("-"),
            descending=asked.startswith("-"),
            page=_number(args.get("page"), 1, 1, 10**6),
            per_page=_number(args.get("per_page"), PER_PAGE, 1, MAX_PER_PAGE),
            after=args.get("after") or None,
            before=args.get("before") or None,
            filters={name: args[name] for name in filters if args.get(name)},
            view=row_id(args.get("view") or ""),
            columns=_columns(args, tuple(columns)),
            all_columns=tuple(columns),
        )

    @property
    def is_beside(self) -> bool:
        """Whether the page begins or ends at a cursor; it may be empty then."""
        return bool(self.after or self.before)

    def args(self, **changes: Any) -> dict[str, Any]:
        """Return the query arguments of this list with some changed; None drops one."""
        current: dict[str, Any] = {
            "q": self.q,
            "sort": f"-{self.sort}" if self.descending else self.sort,
            "page": self.page,
            "per_page": None if self.per_page == PER_PAGE else self.per_page,
            **self.filters,
            "columns": ".".join(self.columns),
            "view": self.view,
        }
        return {name: value for name, value in (current | changes).items() if value}

    @property
    def hidden_columns(self) -> tuple[str, ...]:
        """The columns that were not chosen."""
        if not self.columns:
            return ()
        return tuple(name for name in self.all_columns if name not in self.columns)

    @property
    def field_columns(self) -> tuple[str, ...] | None:
        """The keys of the custom fields that were chosen; None if none were offered."""
        chosen = [name for name in self.columns if name.startswith(FIELD)]
        return tuple(name.removeprefix(FIELD) for name in chosen) if chosen else None

    def kept(self) -> dict[str, str]:
        """Return the arguments that a saved view keeps: all but the page."""
        arguments = self.args(page=None, view=None)
        return {name: str(value) for name, value in arguments.items()}

    def without(self, *names: str) -> dict[str, Any]:
        """Return the arguments of the first page without some filters."""
        return self.args(page=None, **dict.fromkeys(names))

    @staticmethod
    def beside(page: Pagination[Any], step: int) -> dict[str, Any]:
        """Return the arguments that lead to the next page (step 1) or the one before (-1).

        If the list has cursors, the way is one: no row is skipped or repeated when others come
        or go, and the number is only a label.
        """
        cursor = {"after": page.after} if step > 0 else {"before": page.before}
        way = {name: value for name, value in cursor.items() if value}
        return {"page": page.page + step} | way

    def sorted_by(self, key: str) -> dict[str, Any]:
        """Return the arguments that sort by ``key``, or turn its direction round."""
        turn = self.sort == key and not self.descending
        return self.args(sort=f"-{key}" if turn else key, page=None)


async def paginate(
    session: AsyncSession,
    statement: Select[T],
    listing: Listing,
    *,
    by: Sequence[ColumnElement[Any]] = (),
    position: Callable[[Any], Sequence[Any]] | None = None,
    count: bool | int = True,
) -> Pagination[T]:
    """Return the page of a list that a request asked for.

    Args:
        session: The db session.
        statement: The rows of the whole list, sorted unless ``by`` is given.
        listing: The number and the length of the page, or a cursor.
        by: Columns to sort by, if the list has cursors; see ``SQLAlchemy.paginate``.
        position: Returns the values of ``by`` of a row, if they are not its attributes.
        count: Whether to count the rows of all pages, or up to how many; never if the listing is
            not counted.

    Raises:
        NoSuchPageError: If the list ends before this page, or has no such cursor.
    """
    options: PageOptions = {
        "page": listing.page,
        "per_page": listing.per_page,
        # Visitors are held to ``MAX_PER_PAGE`` already; bulk changes read more at once.
        "max_per_page": None,
        "error_out": False,
        "count": count if listing.is_counted else False,
        "by": by,
        "after": listing.after if by else None,
        "before": listing.before if by else None,
    }
    if position:
        options["position"] = position
    try:
        page = await db.paginate(statement, session=session, **options)
    except NotFound:  # the cursor belongs to another list, or to another order of this one
        raise NoSuchPageError(NO_SUCH_PAGE) from None
    if not (by and listing.is_beside):
        require_page(page)
    return page


def require_page(page: Pagination[Any]) -> None:
    """Refuse a page beyond the last one; the first page of an empty list is there.

    Raises:
        NoSuchPageError: If the list ends before this page.
    """
    if not page.items and page.page > 1:
        raise NoSuchPageError(NO_SUCH_PAGE)


def _columns(args: Mapping[str, str], known: tuple[str, ...]) -> tuple[str, ...]:
    """Return the chosen columns, in the order of the list; none if all are.

    Custom fields are not looked up here: one that is no longer there shows nothing.
    """
    raw = args.getlist("columns") if isinstance(args, MultiDict) else [args.get("columns", "")]
    asked = {name for text in raw for name in text.split(".")}
    fields = sorted(name for name in asked if _FIELD.fullmatch(name))[:MAX_FIELDS]
    chosen = (*(name for name in known if name in asked), *fields)
    return () if chosen == known else chosen


def _number(raw: str | None, default: int, minimum: int, maximum: int) -> int:
    """Return a number of a query argument within its limits, the default if it is none."""
    number = row_id(raw or "")
    if number is None:
        return default
    return min(max(number, minimum), maximum)
