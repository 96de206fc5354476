"""The filters of saved views, which follow a record or a tag that was merged into another one."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.models import SavedView

# The lists with a filter by an id, by the name of the filter.
FILTERED = {
    "account": ("deals", "orders", "people", "tasks"),
    "person": ("deals", "tasks"),
    "contact": ("tasks",),
    "tag": ("accounts", "deals", "goods", "orders", "people"),
}


async def follow_in_views(session: AsyncSession, name: str, ids: Mapping[int, int]) -> None:
    """Let saved views that filter by a row filter by the one that stays.

    Args:
        session: The db session.
        name: The filter, a key of ``FILTERED``.
        ids: The row that stays, by the one that goes.
    """
    some = [SavedView.arguments.contains(f"{name}={id_}") for id_ in ids]
    views = select(SavedView).where(SavedView.page.in_(FILTERED[name]), or_(*some))
    stays = {str(gone): str(kept) for gone, kept in ids.items()}
    # Locked, because an edit of a view at the same moment would end the merge.
    locked = views.with_for_update().execution_options(populate_existing=True)
    for view in await session.scalars(locked):
        pairs = dict(parse_qsl(view.arguments))
        if (kept := stays.get(pairs.get(name, ""))) is not None:
            view.arguments = urlencode(pairs | {name: kept})
