"""A list of orders and a new order on Litestar, with msgspec's structures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from litestar import Litestar, Response, get, post
from litestar.di import Provide
from litestar.exceptions import NotAuthorizedException, ValidationException
from litestar.params import Parameter
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.models import User

from . import orders_api


class Line(Struct):
    good_id: int
    quantity: int
    price: Decimal
    discount: Decimal
    amount: Decimal


class Order(Struct, kw_only=True):
    id: int
    number: str
    state: str
    account_id: int
    owner_id: int | None
    currency: str
    net: Decimal
    freight: Decimal
    ordered_on: date
    required_on: date | None
    shipped_on: date | None
    ship_name: str | None
    ship_address: str | None
    ship_city: str | None
    ship_region: str | None
    ship_postal_code: str | None
    ship_country: str | None
    remark: str | None
    created_at: datetime
    updated_at: datetime


class FullOrder(Order, kw_only=True):
    lines: list[Line]


class Page(Struct):
    items: list[Order]
    page: int
    per_page: int
    pages: int
    total: int


class NewLine(Struct):
    good_id: int
    quantity: Annotated[int, Meta(ge=1, le=1_000_000)]


class NewOrder(Struct):
    account_id: int
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]
    lines: list[NewLine]


async def provide_session() -> AsyncIterator[AsyncSession]:
    async with orders_api.new_session() as session:
        yield session


async def provide_user(
    session: AsyncSession, authorization: Annotated[str, Parameter(header="Authorization")]
) -> User:
    user = await orders_api.find_user(session, authorization)
    if user is None:
        raise NotAuthorizedException
    return user


@get("/api/v1/orders")
async def list_orders(
    session: AsyncSession,
    user: User,
    page: Annotated[int, Parameter(ge=1)] = 1,
    per_page: Annotated[int, Parameter(ge=1, le=100)] = 20,
) -> Page:
    rows, total = await orders_api.list_orders(session, page, per_page)
    items = [Order(**row._mapping) for row in rows]
    return Page(items, page, per_page, -(-total // per_page), total)


@post("/api/v1/orders")
async def create_order(
    session: AsyncSession,
    user: User,
    data: NewOrder,
    key: Annotated[str, Parameter(header="Idempotency-Key")],
) -> Response[Any]:
    async with orders_api.writing:
        kept = await orders_api.find_kept(session, user, key)
        if kept is not None:
            return _json(kept.body.encode(), kept.status)
        row = await orders_api.claim(session, user, key, msgspec.json.encode(data))
        order = await orders_api.place_order(session, user, data)
        if order is None:
            raise ValidationException
        answer = msgspec.json.encode(msgspec.convert(order, FullOrder, from_attributes=True))
        row.status, row.body = 201, answer.decode()
        await session.commit()
    return _json(answer, 201)


def _json(body: bytes, status: int) -> Response[Any]:
    return Response(body, status_code=status, media_type="application/json")


app = Litestar(
    [list_orders, create_order],
    dependencies={"session": Provide(provide_session), "user": Provide(provide_user)},
)
