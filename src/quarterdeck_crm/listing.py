"""What a list page was asked for: words, order, page; always from the URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from quarterdeck.sqlalchemy import Pagination

PER_PAGE = 20
MAX_PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class Listing:
    """The ``q``, ``sort``, ``page`` and ``per_page`` of a list, made safe.

    Attributes:
        q: The words searched for, trimmed, at most 200 characters.
        sort: A key of the list's sort table; a leading ``-`` in the URL means descending.
        descending: Whether the order is reversed.
        page: From 1.
        per_page: From 1 to 100.
        after: Where the page begins, from another page's ``after``; deeper than page numbers go.
        before: Where the page ends.
        filters: Further query arguments that the page understands, empty ones left out.
    """

    q: str = ""
    sort: str = ""
    descending: bool = False
    page: int = 1
    per_page: int = PER_PAGE
    after: str | None = None
    before: str | None = None
    filters: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_args(
        cls,
        args: Mapping[str, str],
        *,
        sorts: Mapping[str, Any],
        default: str,
        filters: tuple[str, ...] = (),
    ) -> Listing:
        """Read the query arguments; what makes no sense falls back to the default.

        Args:
            args: The query arguments of the request.
            sorts: The keys that the list can be sorted by.
            default: The order when none is asked for, for example ``"-created"``.
            filters: Names of further arguments to keep.
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
        )

    def args(self, **changes: Any) -> dict[str, Any]:
        """Return the query arguments of this list with some changed; None drops one."""
        current: dict[str, Any] = {
            "q": self.q,
            "sort": f"-{self.sort}" if self.descending else self.sort,
            "page": self.page,
            "per_page": None if self.per_page == PER_PAGE else self.per_page,
            **self.filters,
        }
        return {name: value for name, value in (current | changes).items() if value}

    @staticmethod
    def beside(page: Pagination[Any], step: int) -> dict[str, Any]:
        """Return the arguments that lead to the next page (step 1) or the one before (-1).

        Beyond the pages that were counted the way is a cursor, if the list has any.
        """
        number = page.page + step
        if page.is_total_exact or number <= page.pages:
            return {"page": number}
        cursor = {"after": page.after} if step > 0 else {"before": page.before}
        return {"page": number} | {name: value for name, value in cursor.items() if value}

    def sorted_by(self, key: str) -> dict[str, Any]:
        """Return the arguments that sort by ``key``, or turn its direction round."""
        turn = self.sort == key and not self.descending
        return self.args(sort=f"-{key}" if turn else key, page=None)


def _number(raw: str | None, default: int, minimum: int, maximum: int) -> int:
    try:
        return min(max(int(raw or default), minimum), maximum)
    except ValueError:
        return default
