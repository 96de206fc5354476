"""Rules and queries of orders. ``actor`` is who asks; None is the system."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from quarterdeck.sqlalchemy import Pagination
from quarterdeck_crm.activity import Changes, flush, forget, record, require_version, store
from quarterdeck_crm.errors import (
    ConflictError,
    MoveNotAllowedError,
    NotFoundError,
    ValidationError,
)
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.live.announce import announce_deleted
from quarterdeck_crm.models import Account, Attachment, Order, OrderLine, OrderState, User
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.money import is_currency
from quarterdeck_crm.ownership import require_edit
from quarterdeck_crm.searching import words_in
from quarterdeck_crm.values import Problems, clean

from .finding import SORTS as SORTS
from .finding import Filter, find_orders
from .lines import LineEntry, build_lines, replace_lines, same_lines, sum_amounts
from .states import EDITABLE, HEADER, OPEN, TAKEN, Move, find_move
from .stock import return_stock, take_stock

FILTERS = ("state", "account", "owner")


async def list_orders(
    session: AsyncSession, *, listing: Listing, actor: User | None = None
) -> Pagination[Order]:
    """Return a page of orders with the names of their accounts and owners.

    Filters: ``state`` is a state or ``open``; ``account`` is an id; ``owner`` is ``me`` or an id.
    """

    wanted = _wanted(listing, actor)
    return await find_orders(session, listing=listing, wanted=wanted)


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
        raise NotFoundError("There is no such order.")
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
        actor: Who places it.
        values: The header: ``account_id``, ``currency`` and what else ``states.HEADER`` names.
        lines: What is ordered; may still be empty.
        number: As another system knows the order; one of our own if not given.

    Raises:
        ValidationError: If a value cannot be accepted; lines by keys as ``lines-0-quantity``.
    """
    defaults = {"owner_id": actor.id if actor else None, "ordered_on": utc_now().date()}
    entered = defaults | dict(values)
    problems = Problems()
    with problems.collected():
        cleaned = clean(Order, entered, fields=HEADER, complete=True)
    with problems.collected():
        await _check_header(session, entered)
    with problems.collected():
        built = await build_lines(session, lines, currency=str(entered.get("currency", "")))
    problems.raise_if_any()
    order = Order(number=number or uuid.uuid4().hex, lines=built, net=sum_amounts(built), **cleaned)
    order.account = await session.get_one(Account, order.account_id)  # read above, mostly
    session.add(order)
    await flush(session, order)
    if number is None:
        order.number = await _own_number(session, order.id)
        await flush(session, order)
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
    """Change an order that was read at ``version``; what is not given stays.

    Args:
        session: The db session.
        actor: Who changes it.
        order: As ``get_order`` returns it.
        values: New values of the header; what the state fixes must be absent or equal.
        lines: All lines from now on; where the state fixes them, absent or equal.
        version: What the person had before his eyes.

    Raises:
        ConflictError: If somebody changed the order since that version.
        ForbiddenError: If it belongs to somebody else.
        ValidationError: If a value cannot be accepted or may not change any more.
    """
    require_edit(actor, order)
    require_version(order, version)
    problems = Problems()
    cleaned: dict[str, Any] = {}
    with problems.collected():
        cleaned = clean(Order, values, fields=HEADER)
    with problems.collected():
        _refuse_fixed(order, cleaned, lines)
    with problems.collected():
        await _check_header(session, cleaned, order)
    built = None
    if lines is not None and "lines" in EDITABLE[order.state]:
        with problems.collected():
            built = await build_lines(
                session,
                lines,
                currency=cleaned.get("currency", order.currency),
                allowed={line.good_id for line in order.lines},
            )
    problems.raise_if_any()
    changes: Changes = {}
    if built is not None and (changes := replace_lines(order, built)):
        cleaned["net"] = sum_amounts(built)
    await store(session, actor=actor, row=order, values=cleaned, also=changes)
    return order


async def move_order(
    session: AsyncSession,
    *,
    actor: User | None,
    order: Order,
    target: OrderState,
    version: int | None = None,
) -> Move:
    """Take an order to its next state, with what that does to the stock.

    Raises:
        ConflictError: If somebody changed the order since ``version``, when that is given.
        ForbiddenError: If it belongs to somebody else.
        MoveNotAllowedError: If there is no such step from its present state.
        OutOfStockError: If confirming would take more than there is; nothing is taken then.
    """
    require_edit(actor, order)
    if version is not None:
        require_version(order, version)
    move = _allowed_move(order, target)
    was = order.state
    values: dict[str, Any] = {"state": target}
    if target is OrderState.SHIPPED:
        values["shipped_on"] = utc_now().date()
    async with session.begin_nested():
        # The order is written first: of two who confirm it, one is told before stock moves.
        await store(session, actor=actor, row=order, values=values, action=target.value)
        if target is OrderState.CONFIRMED:
            await take_stock(session, actor=actor, order=order)
        elif target is OrderState.CANCELLED and was in TAKEN:
            await return_stock(session, actor=actor, order=order)
    return move


async def delete_order(session: AsyncSession, *, actor: User | None, order: Order) -> None:
    """Remove a draft with its history; the history of the account keeps its number.

    Raises:
        ForbiddenError: If it belongs to somebody else.
        ConflictError: If it has files.
        MoveNotAllowedError: If it is no draft any more.
    """
    require_edit(actor, order)
    if order.state is not OrderState.DRAFT:
        raise MoveNotAllowedError(
            f"Order {order.number} is {order.state.value}. Only a draft can be deleted; "
            "cancel the order instead."
        )
    if await session.scalar(select(Attachment.id).where(Attachment.order_id == order.id).limit(1)):
        raise ConflictError(f"Order {order.number} has files. Remove them first.")
    await forget(session, order)
    await session.delete(order)
    await flush(session, order)
    announce_deleted(session, order, actor=actor)
    deleted = {"order": [order.number, None]}
    record(session, actor=actor, subject=order.account, action="draft deleted", changes=deleted)


def _allowed_move(order: Order, target: OrderState) -> Move:
    move = find_move(order.state, target)
    if move is None:
        raise MoveNotAllowedError(
            f"Order {order.number} is {order.state.value}. It cannot become {target.value} now."
        )
    if target is OrderState.CONFIRMED and not order.lines:
        raise MoveNotAllowedError(
            f"Order {order.number} has no lines. Add what is ordered, then confirm it."
        )
    return move


def _refuse_fixed(
    order: Order, values: Mapping[str, Any], lines: Sequence[LineEntry] | None
) -> None:
    """Refuse changes to what the state of the order no longer lets anybody change."""
    editable = EDITABLE[order.state]
    fixed = [
        name
        for name, value in values.items()
        if name not in editable and value != getattr(order, name)
    ]
    if lines is not None and "lines" not in editable and not same_lines(lines, order.lines):
        fixed.append("lines")
    if fixed:
        text = f"The order is {order.state.value}. This can no longer be changed."
        raise ValidationError({name: [text] for name in fixed})


async def _check_header(
    session: AsyncSession, values: Mapping[str, Any], order: Order | None = None
) -> None:
    """Refuse an account or owner that cannot be, and a currency that is none."""
    new = {
        name: value
        for name, value in values.items()
        if value is not None and (order is None or value != getattr(order, name))
    }
    errors: dict[str, list[str]] = {}
    if "account_id" in new:
        account = await session.get(Account, new["account_id"])
        if account is None:
            errors["account_id"] = ["Choose an account."]
        elif account.is_archived:
            errors["account_id"] = [f"{account.name} is archived. Restore it first."]
    if "owner_id" in new and await session.get(User, new["owner_id"]) is None:
        errors["owner_id"] = ["Choose a person of the team."]
    if "currency" in new and not is_currency(new["currency"]):
        errors["currency"] = ["Enter a currency as three capital letters, such as EUR."]
    if errors:
        raise ValidationError(errors)


async def _own_number(session: AsyncSession, order_id: int) -> str:
    """Return a number made from the id, unless an imported order has that one already."""
    number = f"Q{order_id:06d}"
    taken = await session.scalar(select(Order.id).where(Order.number == number))
    return number if taken is None else f"{number}-{uuid.uuid4().hex[:4]}"


def _wanted(listing: Listing, actor: User | None) -> Filter:
    filters = listing.filters
    state, account = filters.get("state", ""), filters.get("account", "")
    owner = filters.get("owner", "")
    if owner == "me" and actor is not None:
        owner = str(actor.id)

    return Filter(
        states=OPEN if state == "open" else tuple(s for s in OrderState if s == state),
        account_id=int(account) if account.isdecimal() else None,
        owner_id=int(owner) if owner.isdecimal() else None,
        words=tuple(words_in(listing.q)),
    )
