"""A list as its page shows it: the arguments of the URL, or those of a saved view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from quart import request
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.login import current_user
from quarterdeck_crm.extras.filters import ENTRIES as FIELD_ENTRIES
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.validation.numbers import row_id

from .services import SHARER, ViewRow, arguments_of, list_views, may_change

USUAL = {"q", "sort", "per_page", "columns"}


@dataclass(frozen=True, slots=True)
class ListViews:
    """The views above a list.

    Attributes:
        page: The list.
        listing: The list as it is shown now.
        views: Those that the user sees.
        current: The one that the list was opened with.
        saved: The list as ``current`` keeps it.
        unknown: Names of filters of ``current`` that no longer exist.
        columns: The columns that can be chosen from, with their words.
    """

    page: str
    listing: Listing
    views: Sequence[ViewRow]
    current: ViewRow | None
    saved: Listing | None
    unknown: Sequence[str]
    columns: Mapping[str, str]

    @property
    def is_changed(self) -> bool:
        """Whether the list differs from its view; the page may have settled filters by now."""
        return self.saved is not None and self.saved.kept() != self.listing.kept()

    @property
    def arguments(self) -> str:
        """The arguments to save."""
        return urlencode(self.listing.kept())

    @property
    def may_save(self) -> bool:
        return self.current is not None and may_change(current_user, self.current)

    @property
    def may_share(self) -> bool:
        return bool(current_user.has_role(SHARER))


async def open_list(
    session: AsyncSession,
    *,
    page: str,
    sorts: Mapping[str, Any],
    default: str,
    filters: tuple[str, ...],
    columns: Mapping[str, str],
) -> tuple[Listing, ListViews]:
    """Return the list that the request asks for, and the views above it.

    ``?view=ID`` alone opens a view. With further arguments those count, and the view is the one
    that they change.
    """
    # The panel of a list with custom fields enters one of them apart; ``open_panel`` takes it.
    entries = FIELD_ENTRIES if "field" in filters else ()
    views = await list_views(session, page=page, actor=current_user)
    asked = row_id(request.args.get("view", ""))
    current = next((view for view in views if view.id == asked), None)
    table: dict[str, Any] = {
        "sorts": sorts,
        "default": default,
        "filters": (*filters, *entries),
        "columns": columns,
    }
    saved = None
    args: Mapping[str, str] = request.args
    unknown: list[str] = []
    if current is not None:
        kept = arguments_of(current)
        saved = Listing.from_args(kept, **table)
        unknown = [name for name in kept if name not in USUAL and name not in filters]
        if request.args.keys() <= {"view", "page", "after", "before"}:
            args = kept | request.args.to_dict()
    listing = Listing.from_args(args, **table)
    if current is None and listing.view is not None:
        listing = Listing.from_args({**args, "view": ""}, **table)  # it was deleted
    return listing, ListViews(page, listing, views, current, saved, unknown, columns)
