"""One tag added to a record or removed from it, by the service that updates the record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.accounts.services import get_account, update_account
from quarterdeck_crm.deals.services import get_deal, update_deal
from quarterdeck_crm.extras.reading import Record
from quarterdeck_crm.extras.records import tags_of, tags_with
from quarterdeck_crm.extras.tags import get_tag
from quarterdeck_crm.goods.services import get_good, update_good
from quarterdeck_crm.models import User
from quarterdeck_crm.orders.services import get_order, update_order
from quarterdeck_crm.people.services import get_person, update_person

Service = Callable[..., Awaitable[Any]]
# By the table of the record, whose name their arguments have too.
SERVICES: Mapping[str, tuple[Service, Service]] = {
    "account": (get_account, update_account),
    "deal": (get_deal, update_deal),
    "good": (get_good, update_good),
    "order": (get_order, update_order),
    "person": (get_person, update_person),
}


async def read_record(session: AsyncSession, table: str, id_: int) -> Record:
    """Return a record that can have tags.

    Raises:
        NotFoundError: If it is gone.
    """
    get, _update = SERVICES[table]
    record: Record = await get(session, **{f"{table}_id": id_})
    return record


async def set_tag(
    session: AsyncSession, *, actor: User | None, record: Record, tag_id: int, has: bool
) -> bool:
    """Add a tag to a record or remove it, and return whether that changed the record.

    Raises:
        ForbiddenError: If the actor may not edit the record.
        NotFoundError: If the tag is gone.
        ValidationError: If the record has as many tags as it can have.
    """
    tag = await get_tag(session, tag_id=tag_id)
    had = any(each.id == tag.id for each in await tags_of(session, record))
    if had == has:
        return False
    change = {"add" if has else "remove": tag.name}
    values = {"tags": await tags_with(session, record, **change)}
    table = record.__tablename__
    _get, update = SERVICES[table]
    await update(session, actor=actor, values=values, version=record.version, **{table: record})
    return True
