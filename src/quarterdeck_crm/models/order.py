"""Orders and their lines."""

from __future__ import annotations

import enum
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from quarterdeck_crm.extensions import Model

from .collation import CODE_LENGTH, matched_as
from .columns import HAS_LINES, Amount, Currency, Discount, Price, Timestamps, Versioned

if TYPE_CHECKING:
    from .account import Account
    from .good import Good
    from .user import User


class OrderState(enum.StrEnum):
    """Where an order stands; the allowed moves are in ``orders.states``."""

    DRAFT = "draft"
    CONFIRMED = "confirmed"
    SHIPPED = "shipped"
    PAID = "paid"
    CANCELLED = "cancelled"


class Order(Timestamps, Versioned, Model):
    """An order of an account. ``net`` is the exact sum of the line amounts."""

    __tablename__ = "order"
    # The indexes that orders/queries.py names; every index ends with the id.
    __table_args__ = (
        Index(None, "net"),
        Index(None, "ordered_on", "number_key"),
        Index(None, "state", "ordered_on"),
        Index(None, "state", "number_key"),
        Index(None, "state", "updated_at"),
        Index(None, "account_id", "ordered_on"),
        Index(None, "currency", "state", "ordered_on"),
        Index(None, "owner_id", "ordered_on"),
        Index(None, "owner_id", "state", "ordered_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(CODE_LENGTH))
    number_key: Mapped[str] = matched_as("number", CODE_LENGTH, unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    state: Mapped[OrderState] = mapped_column(
        Enum(
            OrderState,
            native_enum=False,
            length=16,
            values_callable=lambda e: [m.value for m in e],
        ),
        default=OrderState.DRAFT,
    )
    currency: Mapped[Currency]
    net: Mapped[Amount] = mapped_column(default=Decimal(0))
    freight: Mapped[Price] = mapped_column(default=Decimal(0))
    ordered_on: Mapped[date] = mapped_column(index=True)
    required_on: Mapped[date | None]
    shipped_on: Mapped[date | None]
    ship_name: Mapped[str | None] = mapped_column(String(200))
    ship_address: Mapped[str | None] = mapped_column(String(300), info=HAS_LINES)
    ship_city: Mapped[str | None] = mapped_column(String(100))
    ship_region: Mapped[str | None] = mapped_column(String(100))
    ship_postal_code: Mapped[str | None] = mapped_column(String(20))
    ship_country: Mapped[str | None] = mapped_column(String(100))
    remark: Mapped[str | None] = mapped_column(Text)

    account: Mapped[Account] = relationship()
    owner: Mapped[User | None] = relationship()
    lines: Mapped[list[OrderLine]] = relationship(
        back_populates="order", cascade="all, delete-orphan", order_by="OrderLine.position"
    )


class OrderLine(Model):
    """One good of an order, at the price of the day."""

    __tablename__ = "order_line"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("price >= 0", name="price_not_negative"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("order.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    good_id: Mapped[int] = mapped_column(ForeignKey("good.id"), index=True)
    quantity: Mapped[int]
    price: Mapped[Price]
    discount: Mapped[Discount] = mapped_column(default=Decimal(0))
    amount: Mapped[Amount]

    order: Mapped[Order] = relationship(back_populates="lines")
    good: Mapped[Good] = relationship()
