"""A list of orders and a new order on FastAPI, with pydantic's models."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.models import User

from . import orders_api


class Line(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    good_id: int
    quantity: int
    price: Decimal
    discount: Decimal
    amount: Decimal


class Order(BaseModel):
    model_config = ConfigDict(from_attributes=True)

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


class FullOrder(Order):
    lines: list[Line]


class Page(BaseModel):
    items: list[Order]
    page: int
    per_page: int
    pages: int
    total: int


class NewLine(BaseModel):
    good_id: int
    quantity: Annotated[int, Field(ge=1, le=1_000_000)]


class NewOrder(BaseModel):
    account_id: int
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    lines: list[NewLine]


app = FastAPI()


async def db_session() -> AsyncIterator[AsyncSession]:
    async with orders_api.new_session() as session:
        yield session


Session = Annotated[AsyncSession, Depends(db_session)]


async def signed_in(session: Session, authorization: Annotated[str, Header()]) -> User:
    user = await orders_api.find_user(session, authorization)
    if user is None:
        raise HTTPException(401)
    return user


SignedIn = Annotated[User, Depends(signed_in)]


@app.get("/api/v1/orders")
async def list_orders(
    session: Session,
    _user: SignedIn,
    page: Annotated[int, Query(ge=1)] = 1,
    per_page: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Page:
    rows, total = await orders_api.list_orders(session, page, per_page)
    items = [Order.model_validate(row) for row in rows]
    return Page(items=items, page=page, per_page=per_page, pages=-(-total // per_page), total=total)


@app.post("/api/v1/orders", status_code=201, response_model=FullOrder)
async def create_order(
    session: Session,
    user: SignedIn,
    data: NewOrder,
    idempotency_key: Annotated[str, Header()],
) -> Response:
    async with orders_api.writing:
        kept = await orders_api.find_kept(session, user, idempotency_key)
        if kept is not None:
            return Response(kept.body, kept.status, media_type="application/json")
        sent = data.model_dump_json().encode()
        key = await orders_api.claim(session, user, idempotency_key, sent)
        order = await orders_api.place_order(session, user, data)
        if order is None:
            raise HTTPException(422)
        key.status, key.body = 201, FullOrder.model_validate(order).model_dump_json()
        await session.commit()
    return Response(key.body, 201, media_type="application/json")
