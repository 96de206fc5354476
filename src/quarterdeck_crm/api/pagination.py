"""Pages of lists: the query arguments, and the links to the other pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import urlencode

from msgspec import Meta, Struct
from quart import request

from quarterdeck.sqlalchemy import Pagination
from quarterdeck_crm.listing import MAX_PER_PAGE, PER_PAGE, Listing
from quarterdeck_crm.search.filters import Ranges
from quarterdeck_crm.validation.numbers import MAX_INTEGER, typed_form

from .schemas import Links

# The key of a category of 80 characters, each of 4 bytes, and an id, in base64.
MAX_CURSOR = 1800
NO_RANGES = Ranges()
ID = "[1-9][0-9]{0,8}"
Owner = Annotated[
    str, Meta(pattern=f"^(me|none|{ID})$", description="`me`, `none`, or the id of a user.")
]
Account = Annotated[
    int, Meta(ge=1, le=MAX_INTEGER, description="Only those of the account with this id.")
]
Person = Annotated[
    int,
    Meta(
        ge=1,
        le=MAX_INTEGER,
        description="Only those of the person with this id, at all of its accounts.",
    ),
]
Cursor = Annotated[
    str,
    Meta(max_length=MAX_CURSOR, description="Where the page begins or ends, as links have it."),
]
FromDay = Annotated[date, Meta(description="On this day or later.")]
ToDay = Annotated[date, Meta(description="On this day or earlier.")]
Least = Annotated[Decimal, Meta(description="This much or more.", examples=["100"])]
Most = Annotated[Decimal, Meta(description="This much or less.", examples=["2500.00"])]
Archived = Annotated[bool, Meta(description="Those put away instead of those in use.")]


def sort(keys: Iterable[str]) -> Meta:
    """Describe the order of a list: one of the keys, with ``-`` before it for descending."""
    words = sorted(keys)
    return Meta(
        pattern=f"^-?({'|'.join(words)})$",
        description=f"One of {', '.join(words)}; a leading `-` turns the order round.",
    )


class PageQuery(Struct, kw_only=True, forbid_unknown_fields=True):
    """The query arguments of every list."""

    page: Annotated[int, Meta(ge=1, le=1_000_000, description="From 1.")] = 1
    per_page: Annotated[
        int, Meta(ge=1, le=MAX_PER_PAGE, description=f"At most {MAX_PER_PAGE}.")
    ] = PER_PAGE
    after: Cursor | None = None
    before: Cursor | None = None


class ListQuery(PageQuery):
    """The query arguments of a list that can be searched."""

    q: Annotated[str, Meta(max_length=200, description="Words that must all be found.")] = ""


def listing_of(query: Any, *, filters: Iterable[str], ranges: Ranges = NO_RANGES) -> Listing:
    """Return the listing that the services take.

    Raises:
        ValidationError: If one of the ``ranges`` ends before it starts, or is beyond all values.
    """
    order = getattr(query, "sort", "")
    values = {name: getattr(query, name) for name in filters}
    listing = Listing(
        q=query.q.strip(),
        sort=order.lstrip("-"),
        descending=order.startswith("-"),
        page=query.page,
        per_page=query.per_page,
        after=query.after,
        before=query.before,
        filters={
            name: _word(value) for name, value in values.items() if value not in (None, "", False)
        },
    )
    ranges.bounds(listing.filters)
    return listing


def page_fields(page: Pagination[Any]) -> dict[str, Any]:
    """Return the fields that every page of a list has beside its items."""
    return {
        "page": page.page,
        "per_page": page.per_page,
        "pages": page.pages,
        "total": page.total,
        "total_is_exact": page.is_total_exact,
        "links": _links(page),
    }


def link_header(links: Links) -> str:
    """Return the links as RFC 8288 writes them."""
    named: Mapping[str, str | None] = {
        name: getattr(links, name) for name in ("first", "prev", "next", "last")
    }
    return ", ".join(f'<{url}>; rel="{name}"' for name, url in named.items() if url)


def _links(page: Pagination[Any]) -> Links:
    asked = request.args.to_dict()
    asked.pop("after", None)
    asked.pop("before", None)

    def url(**changes: Any) -> str:
        return f"{request.root_path}{request.path}?{urlencode(asked | changes)}"

    return Links(
        self=f"{request.root_path}{request.full_path.rstrip('?')}",
        first=url(page=1),
        prev=url(**Listing.beside(page, -1)) if page.has_prev else None,
        next=url(**Listing.beside(page, 1)) if page.has_next else None,
        last=url(page=max(page.pages, 1)) if page.is_total_exact else None,
    )


def _word(value: Any) -> str:
    if isinstance(value, Decimal):
        return typed_form(value)
    return "1" if value is True else str(value)
