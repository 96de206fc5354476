"""What the peers of ``bench.api`` share: the tables of the CRM, and the statements of a request.

They check the token, list and count the orders, and place an order under its idempotency key, as
the CRM does. They leave out its tags and custom fields, its sums for the dashboard and its events.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import event, func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import joinedload

from quarterdeck_crm.models import (
    Account,
    Activity,
    ApiToken,
    Good,
    IdempotencyKey,
    Order,
    OrderLine,
    User,
)
from quarterdeck_crm.models.columns import utc_now

URL = os.environ["BENCH_FASTAPI_URL"]
HEADER = (
    "id", "number", "state", "account_id", "owner_id", "currency", "net", "freight", "ordered_on",
    "required_on", "shipped_on", "ship_name", "ship_address", "ship_city", "ship_region",
    "ship_postal_code", "ship_country", "remark", "created_at", "updated_at",
)  # fmt: skip
COLUMNS = [getattr(Order, name) for name in HEADER]

engine = create_async_engine(URL)
new_session = async_sessionmaker(engine, expire_on_commit=False)
# SQLite has one writer. Without this, writers would wait for each other in threads.
writing = asyncio.Lock()

if URL.startswith("sqlite"):

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        """Set the same pragmas as the kit."""
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")


async def find_user(session: AsyncSession, authorization: str) -> User | None:
    """Return the user of ``Authorization: Bearer ...``."""
    digest = hashlib.sha256(authorization.removeprefix("Bearer ").encode()).hexdigest()
    statement = select(ApiToken).where(ApiToken.digest == digest)
    token = await session.scalar(statement.options(joinedload(ApiToken.user)))
    if token is None or (token.expires_at is not None and token.expires_at <= utc_now()):
        return None
    return token.user if token.user.is_active else None


async def list_orders(session: AsyncSession, page: int, per_page: int) -> tuple[Sequence[Any], int]:
    """Return a page of orders, newest first, and how many there are."""
    statement = select(*COLUMNS).order_by(Order.ordered_on.desc(), Order.id.desc())
    rows = await session.execute(statement.limit(per_page).offset((page - 1) * per_page))
    total = await session.scalar(select(func.count()).select_from(Order))
    return rows.all(), total or 0


async def find_kept(session: AsyncSession, user: User, key: str) -> IdempotencyKey | None:
    """Return the answer to an earlier request with this key; remove expired ones."""
    statement = select(IdempotencyKey).where(
        IdempotencyKey.user_id == user.id,
        IdempotencyKey.key_digest == hashlib.sha256(key.encode()).hexdigest(),
        IdempotencyKey.expires_at > utc_now(),
    )
    kept = await session.scalar(statement)
    if kept is None:
        old = select(IdempotencyKey).where(IdempotencyKey.expires_at <= utc_now())
        for row in (await session.scalars(old.limit(100))).all():
            await session.delete(row)
    return kept


async def claim(session: AsyncSession, user: User, key: str, sent: bytes) -> IdempotencyKey:
    """Write a key before its order."""
    row = IdempotencyKey(
        user_id=user.id,
        key_digest=hashlib.sha256(key.encode()).hexdigest(),
        request_digest=hashlib.sha256(sent).hexdigest(),
        status=0,
        body="",
        expires_at=utc_now() + timedelta(hours=24),
    )
    session.add(row)
    await session.flush()
    return row


async def place_order(session: AsyncSession, user: User, data: Any) -> Order | None:
    """Write an order with its lines and its history; None if an account or a good is missing."""
    account = await session.get(Account, data.account_id)
    wanted = [line.good_id for line in data.lines]
    found = await session.scalars(select(Good).where(Good.id.in_(wanted)))
    goods = {good.id: good for good in found}
    if account is None or len(goods) < len(set(wanted)):
        return None
    lines = [
        OrderLine(
            position=position,
            good_id=line.good_id,
            quantity=line.quantity,
            price=goods[line.good_id].price,
            amount=goods[line.good_id].price * line.quantity,
        )
        for position, line in enumerate(data.lines)
    ]
    order = Order(
        number=os.urandom(16).hex(),
        account_id=account.id,
        owner_id=user.id,
        currency=data.currency,
        ordered_on=utc_now().date(),
        net=sum((line.amount for line in lines), Decimal(0)),
        lines=lines,
    )
    session.add(order)
    await session.flush()
    order.number = f"Q{order.id:06}"
    session.add(
        Activity(actor_id=user.id, subject_type="order", subject_id=order.id, action="created")
    )
    await session.flush()
    return order
