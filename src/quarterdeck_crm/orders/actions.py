"""Actions on whole orders: a copy, another owner, and a step taken back."""

from __future__ import annotations

from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck_crm.errors import MoveNotAllowedError, ValidationError
from quarterdeck_crm.extras.records import values_for_copy
from quarterdeck_crm.history.recording import require_version, store
from quarterdeck_crm.languages.words import state_word
from quarterdeck_crm.mail.notices import mail_order_change
from quarterdeck_crm.models import Order, OrderState, User
from quarterdeck_crm.permissions import owner_problem, require_edit

from .lines import LineEntry
from .services import place_order
from .states import OPEN, SHIPPING, TAKEN
from .stock import return_stock, take_stock

COPIED = (SHIPPING - {"required_on"}) | {"account_id", "currency", "freight", "remark"}


async def copy_order(
    session: AsyncSession, *, actor: User | None, order: Order
) -> tuple[Order, int]:
    """Place a draft of today with the header, the lines and the prices of another order.

    Its tags and custom fields are copied too.

    Returns:
        The draft, which belongs to the actor, and how many lines it lacks because their goods
        are archived.

    Raises:
        ValidationError: If the order cannot be accepted, for example with an archived account.
    """
    lines = [
        LineEntry(line.good_id, line.quantity, line.price, line.discount)
        for line in order.lines
        if not line.good.is_archived
    ]
    header = {name: getattr(order, name) for name in COPIED}
    header |= await values_for_copy(session, order)
    copied = await place_order(session, actor=actor, values=header, lines=lines)
    return copied, len(order.lines) - len(lines)


async def assign_order(
    session: AsyncSession,
    *,
    actor: User | None,
    order: Order,
    owner_id: int | None,
    version: int | None = None,
) -> None:
    """Give an open order to another owner; the same owner changes nothing.

    A confirmed order can be given too, although its header is fixed: somebody has to ship it.

    Raises:
        ConflictError: If ``version`` is given and another save came after it.
        ForbiddenError: If the actor may not edit it.
        MoveNotAllowedError: If the order is done: its owner is part of the record.
        ValidationError: If the owner is no active user.
    """
    require_edit(actor, order)
    if version is not None:
        require_version(order, version)
    if order.owner_id == owner_id:
        return
    check_assignable(order)
    if owner_id is not None and (problem := await owner_problem(session, owner_id)):
        raise ValidationError({"owner_id": [problem]})
    if await store(session, actor=actor, row=order, values={"owner_id": owner_id}):
        await mail_order_change(session, actor=actor, order=order)


def check_assignable(order: Order) -> None:
    """Refuse another owner for an order that is done.

    Raises:
        MoveNotAllowedError: If it is: its owner is part of the record.
    """
    if order.state not in OPEN:
        raise MoveNotAllowedError(
            _(
                "Order %(number)s is %(state)s. Its owner stays.",
                number=order.number,
                state=state_word(order.state),
            )
        )


async def take_back_move(
    session: AsyncSession,
    *,
    actor: User | None,
    order: Order,
    state: OrderState,
    shipped_on: date | None,
    version: int,
) -> None:
    """Take back the last step of an order, which led away from ``state``, and its stock.

    Raises:
        ConflictError: If the order has changed since ``version``.
        ForbiddenError: If the actor may not edit it.
        OutOfStockError: If the stock does not have enough any more; nothing is changed then.
    """
    require_edit(actor, order)
    require_version(order, version)
    now = order.state
    values = {"state": state, "shipped_on": shipped_on}
    async with session.begin_nested():
        await store(session, actor=actor, row=order, values=values, action="undone")
        if state in TAKEN and now not in TAKEN:
            await take_stock(session, actor=actor, order=order)
        elif now in TAKEN and state not in TAKEN:
            await return_stock(session, actor=actor, order=order)
    await mail_order_change(session, actor=actor, order=order)
