"""Export of deals: a row for each line of a deal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from quarterdeck_crm.extras.reading import read_extras
from quarterdeck_crm.lists.selection import Selection
from quarterdeck_crm.models import Account, Contact, Deal, DealLine, Good, Order, Person, User

from .exporting import Chunks, Progress, Row, cell, stream_read
from .extras import cells_of
from .tables import DEALS

_LINE = ("quantity", "price", "discount")


def export_deals(
    session: AsyncSession, progress: Progress | None = None, chosen: Selection | None = None
) -> Chunks:
    """Return the deals as CSV; each row repeats the values of its deal."""

    async def read(condition: ColumnElement[bool]) -> Sequence[Row]:
        deals = await session.scalars(
            select(Deal)
            .where(condition)
            .order_by(Deal.id)
            .options(
                joinedload(Deal.account).load_only(Account.code, Account.reference),
                joinedload(Deal.contact).joinedload(Contact.person).load_only(Person.reference),
                joinedload(Deal.owner).load_only(User.email),
                joinedload(Deal.stage),
                joinedload(Deal.order).load_only(Order.number),
                selectinload(Deal.lines).joinedload(DealLine.good).load_only(Good.code),
            )
        )
        found = deals.all()
        extras = await read_extras(session, Deal, [deal.id for deal in found])
        rows = [
            (deal.id, [*row, *map(cell, cells_of(extras, deal.id))])
            for deal in found
            for row in _rows(deal)
        ]
        session.expunge_all()
        return rows

    return stream_read(session, DEALS, read, Deal.id, progress, chosen, model=Deal)


def _rows(deal: Deal) -> Iterator[list[str]]:
    values: dict[str, Any] = {name: getattr(deal, name, None) for name in DEALS.names}
    values |= {
        "account": deal.account.code or deal.account.reference,
        "contact": deal.contact and deal.contact.person.reference,
        "owner": deal.owner and deal.owner.email,
        "stage": deal.stage.name,
        "order": deal.order and deal.order.number,
    }
    for line in deal.lines:
        values |= {name: getattr(line, name) for name in _LINE} | {"good": line.good.code}
        yield [cell(values[name]) for name in DEALS.names]
    if not deal.lines:
        yield [cell(values[name]) for name in DEALS.names]
