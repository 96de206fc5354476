"""The rooms, and who may be in them: everybody in the team, as with the pages."""

from __future__ import annotations

from sqlalchemy import select

from quarterdeck.sockets import Member
from quarterdeck_crm.extensions import db, hub
from quarterdeck_crm.models import Account, Order


@hub.room("orders")
@hub.room("team")
async def is_for_all(member: Member) -> bool:
    """The lists are open to everybody who is signed in."""
    return True


@hub.room("order:<int:id>")
async def has_order(member: Member, id: int) -> bool:
    """Whether there is such an order."""
    return await db.session.scalar(select(Order.id).where(Order.id == id)) is not None


@hub.room("account:<int:id>")
async def has_account(member: Member, id: int) -> bool:
    """Whether there is such an account."""
    return await db.session.scalar(select(Account.id).where(Account.id == id)) is not None
