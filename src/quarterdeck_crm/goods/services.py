"""Rules and queries of the goods. ``actor`` is the user that acts; None is the system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck.sqlalchemy import Pagination
from quarterdeck_crm.extras.records import FILTERS as EXTRA_FILTERS
from quarterdeck_crm.extras.records import (
    check_extras,
    extra_conditions,
    take_extras,
    write_extras,
)
from quarterdeck_crm.history.recording import flush, record, require_version, set_archived, store
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.listing import Listing, paginate
from quarterdeck_crm.models import Good, Role, User
from quarterdeck_crm.models.collation import code_key, unique_key
from quarterdeck_crm.models.rows import read_row
from quarterdeck_crm.permissions import require_role
from quarterdeck_crm.search.conditions import matching, ordering
from quarterdeck_crm.search.filters import Range, Ranges
from quarterdeck_crm.validation import Problems, longest

FIELDS = ("code", "name", "category", "unit", "price", "currency", "stock", "description")
SORTS: dict[str, Any] = {
    "name": Good.name_key,
    "code": Good.code_key,
    "category": Good.category_key,
    "price": Good.price,
    "stock": Good.stock,
    "created": Good.created_at,
}
RANGES = Ranges((Range("price", Good.price, _l("Price")),))
COLUMNS = {
    "code": _l("Code"),
    "category": _l("Category"),
    "unit": _l("Unit"),
    "price": _l("Price"),
    "stock": _l("In stock"),
}
FILTERS = ("category", "stock", "archived", *RANGES.names, *EXTRA_FILTERS)
CODE_TAKEN = _l("Another good has this number.")
GOODS_EDITOR = Role.MODERATOR


async def list_goods(session: AsyncSession, *, listing: Listing) -> Pagination[Good]:
    """Return a page of goods.

    Filters: ``category``; ``stock`` is ``none`` or ``some``; ``archived`` shows those put away
    instead of those for sale. ``RANGES`` and ``extra_conditions`` are further filters.

    Raises:
        ValidationError: If a range cannot be read.
    """
    archived = Good.archived_at.is_not(None)
    statement = (
        select(Good)
        .where(archived if listing.filters.get("archived") else ~archived)
        .where(*matching(listing.q, Good), *await extra_conditions(session, listing.filters, Good))
        .where(*await RANGES.conditions(listing.filters))
    )
    if category := listing.filters.get("category"):
        statement = statement.where(
            Good.category_key == unique_key(category, longest(Good.category))
        )
    if stock := listing.filters.get("stock"):
        statement = statement.where(Good.stock > 0 if stock == "some" else Good.stock == 0)
    by = ordering(listing, SORTS[listing.sort], Good.id)
    return await paginate(session, statement, listing, by=by)


async def list_categories(session: AsyncSession) -> Sequence[str]:
    """Return the categories in use, in order, each in one spelling."""
    statement = select(func.min(Good.category)).where(Good.category.is_not(None))
    grouped = statement.group_by(Good.category_key).order_by(Good.category_key)
    return [name for name in await session.scalars(grouped) if name]


async def get_good(session: AsyncSession, *, good_id: int) -> Good:
    """Return a good as it is now.

    Raises:
        NotFoundError: If there is none of that id.
    """
    problem = _("There is no such good. It may have been removed.")
    return await read_row(session, Good, good_id, problem)


async def is_code_free(session: AsyncSession, *, code: str, good_id: int | None = None) -> bool:
    """Whether no other good than ``good_id`` has this code."""
    taken = await session.scalar(select(Good.id).where(Good.code_key == code_key(code)))
    return taken is None or taken == good_id


async def create_good(
    session: AsyncSession, *, actor: User | None, values: Mapping[str, Any]
) -> Good:
    """Add a good to the goods.

    Raises:
        ForbiddenError: If the actor does not keep the goods.
        ValidationError: If a value cannot be accepted.
    """
    require_role(actor, GOODS_EDITOR)
    cleaned = await check_good(session, values=values)
    extras = take_extras(cleaned)
    good = Good(**cleaned)
    session.add(good)
    await flush(session, good)
    await write_extras(session, good, extras)
    record(session, actor=actor, subject=good, action="created")
    return good


async def update_good(
    session: AsyncSession,
    *,
    actor: User | None,
    good: Good,
    values: Mapping[str, Any],
    version: int,
) -> Good:
    """Change a good that was read at ``version``; names not in ``values`` stay.

    Raises:
        ConflictError: If it was changed since that version, also when an order took from stock.
        ForbiddenError: If the actor does not keep the goods.
        ValidationError: If a value cannot be accepted.
    """
    require_role(actor, GOODS_EDITOR)
    require_version(good, version)
    cleaned = await check_good(session, values=values, good=good)
    changes = await write_extras(session, good, take_extras(cleaned))
    await store(session, actor=actor, row=good, values=cleaned, also=changes)
    return good


async def archive_good(session: AsyncSession, *, actor: User | None, good: Good) -> None:
    """Take a good off sale; orders keep it. Doing it twice changes nothing.

    Raises:
        ForbiddenError: If the actor does not keep the goods.
    """
    require_role(actor, GOODS_EDITOR)
    await set_archived(session, actor=actor, row=good, archived=True)


async def restore_good(session: AsyncSession, *, actor: User | None, good: Good) -> None:
    """Put a good on sale again. Doing it twice changes nothing.

    Raises:
        ForbiddenError: If the actor does not keep the goods.
    """
    require_role(actor, GOODS_EDITOR)
    await set_archived(session, actor=actor, row=good, archived=False)


async def set_picture(
    session: AsyncSession, *, actor: User | None, good: Good, stored: str | None
) -> str | None:
    """Give a good a kept picture, or none; return the one before, which the caller discards.

    Raises:
        ForbiddenError: If the actor does not keep the goods.
    """
    require_role(actor, GOODS_EDITOR)
    before = good.picture
    action = "picture changed" if stored else "picture removed"
    await store(session, actor=actor, row=good, values={"picture": stored}, action=action)
    return before


async def check_good(
    session: AsyncSession, *, values: Mapping[str, Any], good: Good | None = None
) -> dict[str, Any]:
    """Return values that a good can have.

    Args:
        session: The db session.
        values: The entries; for a new good all of them.
        good: The good that is edited.

    Raises:
        ValidationError: With the problems of all values at once.
    """
    problems = Problems()
    cleaned = problems.clean(Good, values, fields=FIELDS, complete=good is None, row=good)
    code = cleaned.get("code")
    if code and not await is_code_free(session, code=code, good_id=good.id if good else None):
        problems.add("code", CODE_TAKEN)
    cleaned |= await check_extras(session, problems, values, Good, good)
    problems.raise_if_any()
    return cleaned
