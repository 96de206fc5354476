"""Rules and queries of orders. ``actor`` is the user that acts; None is the system."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

from sqlalchemy import CursorResult, bindparam, exists, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from quarterdeck.babel import gettext as _
from quarterdeck.sqlalchemy import Pagination
from quarterdeck_crm.audit.recording import record_audit
from quarterdeck_crm.errors import (
    ClashError,
    ConflictError,
    MoveNotAllowedError,
    NotFoundError,
)
from quarterdeck_crm.events.announcements import announce_deleted
from quarterdeck_crm.extras.records import FILTERS as EXTRA_FILTERS
from quarterdeck_crm.extras.records import take_extras, write_extras
from quarterdeck_crm.extras.values import read_filter
from quarterdeck_crm.history.recording import (
    CLASH,
    flush,
    forget,
    record,
    require_version,
    store,
)
from quarterdeck_crm.languages.words import state_word
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.mail.notices import mail_order_change
from quarterdeck_crm.models import (
    Account,
    Attachment,
    AuditAction,
    Order,
    OrderLine,
    OrderState,
    User,
)
from quarterdeck_crm.models.collation import code_key
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.permissions import require_edit
from quarterdeck_crm.search.conditions import words_in
from quarterdeck_crm.search.merges import find_account
from quarterdeck_crm.tasks.services import follow
from quarterdeck_crm.validation.numbers import row_id

from .checks import check_order, new_header
from .filters import RANGES, Filter
from .lines import LineEntry, replace_lines, sum_amounts
from .queries import SORTS as SORTS
from .queries import find_orders
from .shapes import ROW, OrderRow, Shape
from .states import OPEN, TAKEN, Move, find_move
from .stock import return_stock, take_stock

T = TypeVar("T")

FILTERS = ("state", "account", "owner", "currency", *RANGES.names, *EXTRA_FILTERS)
_orders = Order.metadata.tables[Order.__tablename__]
# Through a derived table: MySQL changes no table that the statement reads otherwise.
_same_number = select(_orders.c.id).where(_orders.c.number_key == bindparam("its_key")).subquery()
_OWN_NUMBER = (
    update(_orders)
    .where(_orders.c.id == bindparam("order_id"), ~exists(select(_same_number)))
    .values(
        number=bindparam("its_number"),
        number_key=bindparam("its_key"),
        updated_at=_orders.c.updated_at,
    )
)
STATES = {"open": OPEN, "sold": TAKEN}  # filters by several states


async def list_orders(
    session: AsyncSession, *, listing: Listing, actor: User | None = None
) -> Pagination[OrderRow]:
    """Return a page of orders with the names of their accounts and owners.

    Filters: ``state`` is a state, ``open``, or ``sold`` (confirmed, shipped or paid);
    ``account`` is an id; ``owner`` is ``me``, ``none`` or an id; ``currency`` is its code.
    ``RANGES`` and ``extra_conditions`` are further filters.

    Raises:
        ValidationError: If a range cannot be read.
    """
    return await list_shaped(session, listing=listing, actor=actor, shape=ROW)


async def list_shaped(
    session: AsyncSession, *, listing: Listing, actor: User | None = None, shape: Shape[T]
) -> Pagination[T]:
    """Return a page of orders as ``list_orders`` does, with items of another shape."""
    wanted = await _wanted(session, listing, actor)
    return await find_orders(session, listing=listing, wanted=wanted, shape=shape)


async def count_open_orders(
    session: AsyncSession, *, accounts: Iterable[Account]
) -> Mapping[int, int]:
    """Return how many orders are still open, by the id of the account; zero is left out."""
    statement = (
        select(Order.account_id, func.count())
        .where(Order.account_id.in_([account.id for account in accounts]), Order.state.in_(OPEN))
        .group_by(Order.account_id)
    )
    return dict((await session.execute(statement)).all())


async def get_order(session: AsyncSession, *, order_id: int) -> Order:
    """Return an order as it is now, with account, owner, lines and their goods.

    Raises:
        NotFoundError: If there is none of that id.
    """
    statement = (
        select(Order)
        .where(Order.id == order_id)
        .options(
            joinedload(Order.account),
            joinedload(Order.owner),
            selectinload(Order.lines).joinedload(OrderLine.good),
        )
        .execution_options(populate_existing=True)
    )
    order = await session.scalar(statement)
    if order is None:
        raise NotFoundError(_("There is no such order."))
    return order


async def place_order(
    session: AsyncSession,
    *,
    actor: User | None,
    values: Mapping[str, Any],
    lines: Sequence[LineEntry],
    number: str | None = None,
) -> Order:
    """Write down a new order as a draft.

    Without them in ``values``, the owner is the actor and the day is today.

    Args:
        session: The db session.
        actor: The user that places it.
        values: The header: ``account_id``, ``currency`` and the other names of ``states.HEADER``.
        lines: The lines; may still be empty.
        number: As another system knows the order; one of our own if not given.

    Raises:
        ValidationError: If a value cannot be accepted; lines by keys as ``lines-0-quantity``.
    """
    entered = new_header(values, actor=actor)
    checked = await check_order(session, values=entered, lines=lines)
    built = checked.lines or []
    extras = take_extras(checked.header)
    order = Order(
        number=number or uuid.uuid4().hex,
        lines=built,
        net=sum_amounts(built),
        account=checked.account,
        **checked.header,
    )
    session.add(order)
    await flush(session, order)
    if number is None:
        await _take_own_number(session, order)
    await write_extras(session, order, extras)
    record(session, actor=actor, subject=order, action="created")
    return order


async def update_order(
    session: AsyncSession,
    *,
    actor: User | None,
    order: Order,
    values: Mapping[str, Any],
    lines: Sequence[LineEntry] | None = None,
    version: int,
) -> Order:
    """Change an order that was read at ``version``; values not given stay.

    Args:
        session: The db session.
        actor: The user that changes it.
        order: As ``get_order`` returns it.
        values: New values of the header; those that the state fixes must be absent or equal.
        lines: All lines from now on; where the state fixes them, absent or equal.
        version: The version that the user saw.

    Raises:
        ConflictError: If another save came after that version.
        ForbiddenError: If the actor may not edit it.
        ValidationError: If a value cannot be accepted or may not change any more.
    """
    require_edit(actor, order)
    require_version(order, version)
    cleaned, built, _rest = await check_order(session, values=values, lines=lines, order=order)
    changes = await write_extras(session, order, take_extras(cleaned))
    if built is not None and (moved := replace_lines(order, built)):
        changes |= moved
        cleaned["net"] = sum_amounts(built)
    if stored := await store(session, actor=actor, row=order, values=cleaned, also=changes):
        if "account_id" in stored:
            await follow(session, order_id=order.id, account_id=order.account_id)
        await mail_order_change(session, actor=actor, order=order)
    return order


async def move_order(
    session: AsyncSession,
    *,
    actor: User | None,
    order: Order,
    target: OrderState,
    version: int | None = None,
) -> Move:
    """Take an order to its next state, and change the stock accordingly.

    Raises:
        ConflictError: If ``version`` is given and another save came after it.
        ForbiddenError: If the actor may not edit it.
        MoveNotAllowedError: If there is no such step from its present state.
        OutOfStockError: If confirming would take more than there is; nothing is taken then.
    """
    require_edit(actor, order)
    if version is not None:
        require_version(order, version)
    move = check_move(order, target)
    was = order.state
    values: dict[str, Any] = {"state": target}
    if target is OrderState.SHIPPED:
        values["shipped_on"] = utc_now().date()
    async with session.begin_nested():
        # The order is written first: the second of two confirmations fails before stock moves.
        await store(session, actor=actor, row=order, values=values, action=target.value)
        if target is OrderState.CONFIRMED:
            await take_stock(session, actor=actor, order=order)
        elif was in TAKEN and target not in TAKEN:
            await return_stock(session, actor=actor, order=order)
    await mail_order_change(session, actor=actor, order=order)
    return move


async def delete_order(session: AsyncSession, *, actor: User | None, order: Order) -> None:
    """Remove a draft with its history; the history of the account keeps its number.

    Raises:
        ForbiddenError: If the actor may not edit it.
        ConflictError: If it has files.
        MoveNotAllowedError: If it is no draft any more.
    """
    require_edit(actor, order)
    if order.state is not OrderState.DRAFT:
        raise MoveNotAllowedError(
            _(
                "Order %(number)s is %(state)s. Only a draft can be deleted; cancel the order "
                "instead.",
                number=order.number,
                state=state_word(order.state),
            )
        )
    if await session.scalar(select(Attachment.id).where(Attachment.order_id == order.id).limit(1)):
        raise ConflictError(
            _("Order %(number)s has files. Remove them first.", number=order.number)
        )
    await forget(session, order)
    await session.delete(order)
    await flush(session, order)
    subject = f"order {order.number}"
    await record_audit(session, AuditAction.DELETED, actor=actor, subject=subject)
    announce_deleted(session, order, actor=actor)
    deleted = {"order": [order.number, None]}
    record(session, actor=actor, subject=order.account, action="draft deleted", changes=deleted)


def check_move(order: Order, target: OrderState) -> Move:
    """Return the step of an order to another state; the stock is not looked at.

    Raises:
        MoveNotAllowedError: If there is no such step from its present state.
    """
    move = find_move(order.state, target)
    if move is None:
        raise MoveNotAllowedError(
            _(
                "Order %(number)s is %(state)s. It cannot become %(target)s now.",
                number=order.number,
                state=state_word(order.state),
                target=state_word(target),
            )
        )
    if target is OrderState.CONFIRMED and not order.lines:
        raise MoveNotAllowedError(
            _(
                "Order %(number)s has no lines. Add what is ordered, then confirm it.",
                number=order.number,
            )
        )
    return move


async def get_account(session: AsyncSession, *, account_id: int) -> Account:
    """Return the account that an order is for; of a merged one the account that stays.

    Raises:
        NotFoundError: If no account has this id.
    """
    account = await find_account(session, account_id)
    if account is None:
        raise NotFoundError(_("There is no such account. It may have been removed."))
    return account


async def _take_own_number(session: AsyncSession, order: Order) -> None:
    """Give a new order a number made from its id; a longer one if an imported order has that.

    In one statement and without a new version: it belongs to the making of the order.
    """
    number = f"Q{order.id:06d}"
    key = code_key(number)
    values = {"order_id": order.id, "its_number": number, "its_key": key}
    try:
        result = await session.execute(_OWN_NUMBER, values)
    except IntegrityError:
        raise ClashError(CLASH) from None
    if not cast("CursorResult[Any]", result).rowcount:
        order.number = f"{number}-{uuid.uuid4().hex[:4]}"
        await flush(session, order)
        return
    set_committed_value(order, "number", number)
    set_committed_value(order, "number_key", key)


async def _wanted(session: AsyncSession, listing: Listing, actor: User | None) -> Filter:
    filters = listing.filters
    state, account = filters.get("state", ""), filters.get("account", "")
    owner = filters.get("owner", "")
    if owner == "me" and actor is not None:
        owner = str(actor.id)
    bounds = RANGES.bounds(filters)
    field = filters.get("field")
    return Filter(
        states=STATES.get(state) or tuple(s for s in OrderState if s == state),
        account_id=row_id(account),
        currency=filters.get("currency", "").strip().upper()[:3] or None,
        owner_id=row_id(owner),
        is_unowned=owner == "none",
        days=bounds.get("date"),
        nets=bounds.get("net"),
        tag_id=row_id(filters.get("tag", "")),
        field=await read_filter(session, Order.__tablename__, field) if field else None,
        words=tuple(words_in(listing.q)),
    )
