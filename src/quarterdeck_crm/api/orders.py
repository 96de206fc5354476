"""Orders for programs: with their lines, and the moves from state to state."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from msgspec import Meta
from quart import current_app, url_for
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.login import current_user
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Order
from quarterdeck_crm.models.rows import as_stored
from quarterdeck_crm.orders import actions, services
from quarterdeck_crm.orders.filters import RANGES
from quarterdeck_crm.orders.lines import LineEntry
from quarterdeck_crm.search.record_filters import follow_merged

from . import bp, schemas
from .answers import NOTHING, Answer
from .bodies import Needs
from .deal_schemas import DealBody
from .etags import etag_of, expected_version, named_version
from .extras import Field, Tag, with_extras, with_extras_of
from .idempotency import once
from .operations import operation
from .pagination import (
    Account,
    FromDay,
    Least,
    ListQuery,
    Most,
    Owner,
    ToDay,
    listing_of,
    page_fields,
    sort,
)
from .schemas import MoveBody, OrderBody

GROUP = "Orders"


class OrderQuery(ListQuery):
    sort: Annotated[str, sort(services.SORTS)] = "-date"
    state: (
        Annotated[
            Literal["open", "sold", "draft", "confirmed", "shipped", "paid", "cancelled"],
            Meta(
                description="`open` is draft, confirmed or shipped; "
                "`sold` is confirmed, shipped or paid."
            ),
        ]
        | None
    ) = None
    account: Account | None = None
    owner: Owner | None = None
    currency: (
        Annotated[str, Meta(pattern="^[A-Z]{3}$", description="A code, such as `EUR`.")] | None
    ) = None
    date_from: FromDay | None = None
    date_to: ToDay | None = None
    net_from: Least | None = None
    net_to: Most | None = None
    tag: Tag | None = None
    field: Field | None = None


@bp.get("/orders")
@operation(GROUP, query=OrderQuery, answers=schemas.OrderPage)
async def list_orders(query_args: OrderQuery) -> Answer:
    """List orders, without their lines.

    Words are looked for in the number and in the name of the account.
    """
    listing = listing_of(query_args, filters=services.FILTERS, ranges=RANGES)
    await follow_merged(db.session, listing)
    page = await services.list_shaped(
        db.session,
        listing=listing,
        actor=current_user,
        shape=schemas.SUMMARY,
    )
    items = await with_extras(db.session, Order, page.items)
    return Answer(schemas.OrderPage(items=items, **page_fields(page)))


@bp.post("/orders")
@operation(GROUP, body=OrderBody, answers=schemas.Order, status=201, repeatable=True)
async def create_order(data: OrderBody) -> Answer:
    """Place an order, as a draft.

    Without an `owner_id` it belongs to you. Take it to `confirmed` to take its lines from stock.
    """
    values, lines = split_lines(data)

    async def work(session: AsyncSession) -> Answer:
        order = await services.place_order(
            session,
            actor=current_user,
            values={"currency": current_app.config["CURRENCY"]} | values,
            lines=lines or [],
        )
        url = url_for("api.read_order", order_id=order.id)
        for row in (order, *order.lines):
            as_stored(row)
        return await _answer_of(
            session, order, status=201, location=url, is_plain=not set(values) & {*data.optional}
        )

    return await once(data, work)


@bp.get("/orders/<int:order_id>")
@operation(GROUP, answers=schemas.Order)
async def read_order(order_id: int) -> Answer:
    """Read an order with its lines."""
    return await answer_order(db.session, order_id)


@bp.put("/orders/<int:order_id>")
@operation(GROUP, body=OrderBody, needs=Needs.ALL, answers=schemas.Order, locks=True)
async def replace_order(order_id: int, data: OrderBody) -> Answer:
    """Replace all fields and lines of an order.

    All must be there, so that none is emptied by mistake. What the state of the order fixes
    must be as it is.
    """
    return await _update(order_id, data)


@bp.patch("/orders/<int:order_id>")
@operation(GROUP, body=OrderBody, needs=Needs.NONE, answers=schemas.Order, locks=True)
async def change_order(order_id: int, data: OrderBody) -> Answer:
    """Change some fields of an order; null empties one.

    `lines`, if given, are all its lines from now on.
    """
    return await _update(order_id, data)


@bp.delete("/orders/<int:order_id>")
@operation(GROUP, status=204, locks=True)
async def delete_order(order_id: int) -> Answer:
    """Delete a draft.

    An order that was confirmed is not deleted but cancelled: see the moves.
    """
    async with db.transaction() as session:
        order = await services.get_order(session, order_id=order_id)
        expected_version(order)
        await services.delete_order(session, actor=current_user, order=order)
    return NOTHING


@bp.post("/orders/<int:order_id>/moves")
@operation(GROUP, body=MoveBody, answers=schemas.Order, repeatable=True, may_lock=True)
async def move_order(order_id: int, data: MoveBody) -> Answer:
    """Take an order to its next state.

    `confirmed` takes its lines from stock, and is refused when there is not enough; `cancelled`
    puts them back. `moves` of the order lists where it can go. With `If-Match` it moves only if
    it has not changed since.
    """

    async def work(session: AsyncSession) -> Answer:
        order = await services.get_order(session, order_id=order_id)
        await services.move_order(
            session,
            actor=current_user,
            order=order,
            target=data.to,
            version=named_version(order),
        )
        return await answer_order(session, order_id)

    return await once(data, work)


@bp.post("/orders/<int:order_id>/copy")
@operation(GROUP, answers=schemas.Order, status=201, repeatable=True)
async def copy_order(order_id: int) -> Answer:
    """Place a draft of today with the header, lines and prices of an order.

    It belongs to you. Lines of archived goods are left out.
    """

    async def work(session: AsyncSession) -> Answer:
        order = await services.get_order(session, order_id=order_id)
        copied, _lacking = await actions.copy_order(session, actor=current_user, order=order)
        url = url_for("api.read_order", order_id=copied.id)
        answer = await answer_order(session, copied.id)
        return replace(answer, status=201, location=url)

    return await once(None, work)


async def _update(order_id: int, data: OrderBody) -> Answer:
    values, lines = split_lines(data)
    async with db.transaction() as session:
        order = await services.get_order(session, order_id=order_id)
        await services.update_order(
            session,
            actor=current_user,
            order=order,
            values=values,
            lines=lines,
            version=expected_version(order),
        )
        return await answer_order(session, order_id)


def split_lines(data: OrderBody | DealBody) -> tuple[dict[str, Any], list[LineEntry] | None]:
    """Return the other fields and the lines for the services; None if no lines were sent."""
    values = data.given()
    lines = values.pop("lines", None)
    if lines is None:
        return values, None
    return values, [
        LineEntry(line.good_id, line.quantity, line.price, line.discount) for line in lines
    ]


async def answer_order(session: AsyncSession, order_id: int) -> Answer:
    """Return the order as it is stored, so that every answer equals that of a read."""
    return await _answer_of(session, await services.get_order(session, order_id=order_id))


async def _answer_of(
    session: AsyncSession,
    order: Order,
    *,
    status: int = 200,
    location: str | None = None,
    is_plain: bool = False,
) -> Answer:
    """Return an order; one that ``is_plain`` is known to have no extras, so none are read."""
    body = schemas.Order.of(order)
    if not is_plain:
        body = await with_extras_of(session, Order, body)
    return Answer(body, status, etag_of(order, [*body.tags, *body.fields]), location=location)
