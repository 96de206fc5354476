"""Rules and queries of the catalogue. ``actor`` is who asks; None is the system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.sqlalchemy import Pagination
from quarterdeck_crm.activity import flush, record, require_version, store
from quarterdeck_crm.errors import NotFoundError, ValidationError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import Good, Role, User
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.money import is_currency
from quarterdeck_crm.ownership import require_role
from quarterdeck_crm.searching import matching, ordered
from quarterdeck_crm.values import clean

FIELDS = ("code", "name", "category", "unit", "price", "currency", "stock", "description")
SORTS: dict[str, Any] = {
    "name": Good.name,
    "code": Good.code,
    "category": Good.category,
    "price": Good.price,
    "stock": Good.stock,
    "created": Good.created_at,
}
FILTERS = ("category", "stock", "archived")
CODE_TAKEN = "Another article has this number."
KEEPER = Role.MODERATOR  # who may change the catalogue


async def list_goods(session: AsyncSession, *, listing: Listing) -> Pagination[Good]:
    """Return a page of goods.

    Filters: ``category``; ``stock`` is ``none`` or ``some``; ``archived`` shows those put away
    instead of those for sale.
    """
    archived = Good.archived_at.is_not(None)
    statement = (
        select(Good)
        .where(archived if listing.filters.get("archived") else ~archived)
        .where(*matching(listing.q, Good))
    )
    if category := listing.filters.get("category"):
        statement = statement.where(Good.category == category)
    if stock := listing.filters.get("stock"):
        statement = statement.where(Good.stock > 0 if stock == "some" else Good.stock == 0)
    return await db.paginate(
        ordered(statement, listing, SORTS, tie=Good.id),
        page=listing.page,
        per_page=listing.per_page,
        session=session,
    )


async def list_categories(session: AsyncSession) -> Sequence[str]:
    """Return the categories in use, in order."""
    statement = select(Good.category).distinct().where(Good.category.is_not(None))
    return [name for name in await session.scalars(statement.order_by(Good.category)) if name]


async def get_good(session: AsyncSession, *, good_id: int) -> Good:
    """Return a good as it is now.

    Raises:
        NotFoundError: If there is none of that id.
    """
    good = await session.get(Good, good_id, populate_existing=True)
    if good is None:
        raise NotFoundError("There is no such article. It may have been removed.")
    return good


async def is_code_free(session: AsyncSession, *, code: str, good_id: int | None = None) -> bool:
    """Whether no other good than ``good_id`` has this code."""
    taken = await session.scalar(select(Good.id).where(Good.code == code))
    return taken is None or taken == good_id


async def create_good(
    session: AsyncSession, *, actor: User | None, values: Mapping[str, Any]
) -> Good:
    """Add a good to the catalogue.

    Raises:
        ForbiddenError: If the actor does not keep the catalogue.
        ValidationError: If a value cannot be accepted.
    """
    require_role(actor, KEEPER)
    cleaned = clean(Good, values, fields=FIELDS, complete=True)
    await _check(session, cleaned)
    good = Good(**cleaned)
    session.add(good)
    await flush(session, good)
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
        ForbiddenError: If the actor does not keep the catalogue.
        ValidationError: If a value cannot be accepted.
    """
    require_role(actor, KEEPER)
    require_version(good, version)
    cleaned = clean(Good, values, fields=FIELDS)
    await _check(session, cleaned, good)
    await store(session, actor=actor, row=good, values=cleaned)
    return good


async def archive_good(session: AsyncSession, *, actor: User | None, good: Good) -> None:
    """Take a good off sale; orders keep it. Doing it twice changes nothing.

    Raises:
        ForbiddenError: If the actor does not keep the catalogue.
    """
    require_role(actor, KEEPER)
    if not good.is_archived:
        now = {"archived_at": utc_now()}
        await store(session, actor=actor, row=good, values=now, action="archived")


async def restore_good(session: AsyncSession, *, actor: User | None, good: Good) -> None:
    """Put a good on sale again. Doing it twice changes nothing.

    Raises:
        ForbiddenError: If the actor does not keep the catalogue.
    """
    require_role(actor, KEEPER)
    if good.is_archived:
        await store(session, actor=actor, row=good, values={"archived_at": None}, action="restored")


async def set_picture(
    session: AsyncSession, *, actor: User | None, good: Good, stored: str | None
) -> str | None:
    """Give a good a kept picture, or none; return the one before, which nobody needs now.

    Raises:
        ForbiddenError: If the actor does not keep the catalogue.
    """
    require_role(actor, KEEPER)
    before = good.picture
    action = "picture changed" if stored else "picture removed"
    await store(session, actor=actor, row=good, values={"picture": stored}, action=action)
    return before


async def _check(
    session: AsyncSession, values: Mapping[str, Any], good: Good | None = None
) -> None:
    errors = {}
    code = values.get("code")
    if code and not await is_code_free(session, code=code, good_id=good.id if good else None):
        errors["code"] = [CODE_TAKEN]
    if "currency" in values and not is_currency(values["currency"]):
        errors["currency"] = ["Enter a currency as three capital letters, such as EUR."]
    if errors:
        raise ValidationError(errors)
