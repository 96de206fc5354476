"""Deals: what may become an order, in the stages of the company's own pipeline."""

from __future__ import annotations

import enum
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from quarterdeck_crm.extensions import Model

from .collation import sorted_as
from .columns import (
    Amount,
    Currency,
    Discount,
    Price,
    Timestamp,
    Timestamps,
    Versioned,
    exact,
    utc_now,
)
from .references import new_reference

if TYPE_CHECKING:
    from .account import Account
    from .good import Good
    from .order import Order
    from .person import Contact
    from .user import User


class StageKind(enum.StrEnum):
    """What a stage means for its deals."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


def _kind() -> Enum:
    return Enum(
        StageKind, native_enum=False, length=16, values_callable=lambda e: [m.value for m in e]
    )


class DealStage(Versioned, Model):
    """A column of the pipeline. ``probability`` is that of its deals, in percent."""

    __tablename__ = "deal_stage"
    __table_args__ = (CheckConstraint("probability BETWEEN 0 AND 100", name="probability_percent"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    position: Mapped[int]
    probability: Mapped[int]
    kind: Mapped[StageKind] = mapped_column(_kind(), default=StageKind.OPEN)


class LostReason(Model):
    """A reason that is offered when a deal is lost; deals keep it as text."""

    __tablename__ = "deal_lost_reason"

    id: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(80))


class Deal(Timestamps, Versioned, Model):
    """A deal with an account.

    Attributes:
        reference: Never changes; files name the deal by it.
        kind: That of its stage, so that indexes find open deals.
        value: As entered, or the exact sum of the lines if there are any.
        probability: In percent: its own, or that of its stage.
        own_probability: The one that was entered; None follows the stage.
        moved_at: When it came to its stage.
        order_id: The order that it became. It is unique: a deal becomes one order.
    """

    __tablename__ = "deal"
    __table_args__ = (
        Index(None, "stage_id", "moved_at"),
        Index("ix_deal_pipeline", "kind", "stage_id", "currency", "probability", "value"),
        Index(None, "kind", "expected_on"),
        Index(None, "kind", "name_key"),
        Index(None, "kind", "value"),
        Index(None, "kind", "created_at"),
        Index(None, "owner_id", "kind", "expected_on"),
        Index(None, "account_id", "kind"),
        CheckConstraint("value >= 0", name="value_not_negative"),
        CheckConstraint("probability BETWEEN 0 AND 100", name="probability_percent"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(exact(20), unique=True, default=new_reference)
    name: Mapped[str] = mapped_column(String(200))
    name_key: Mapped[str] = sorted_as("name", 200)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    contact_id: Mapped[int | None] = mapped_column(
        ForeignKey("contact.id", ondelete="SET NULL"), index=True
    )
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    stage_id: Mapped[int] = mapped_column(ForeignKey("deal_stage.id"))
    kind: Mapped[StageKind] = mapped_column(_kind(), default=StageKind.OPEN)
    value: Mapped[Amount] = mapped_column(default=Decimal(0))
    currency: Mapped[Currency]
    probability: Mapped[int]
    own_probability: Mapped[int | None]
    expected_on: Mapped[date | None]
    lost_reason: Mapped[str | None] = mapped_column(String(80))
    remark: Mapped[str | None] = mapped_column(Text)
    moved_at: Mapped[Timestamp] = mapped_column(default=utc_now)
    order_id: Mapped[int | None] = mapped_column(
        ForeignKey("order.id", ondelete="SET NULL"), unique=True
    )

    account: Mapped[Account] = relationship()
    contact: Mapped[Contact | None] = relationship()
    owner: Mapped[User | None] = relationship()
    stage: Mapped[DealStage] = relationship()
    order: Mapped[Order | None] = relationship()
    lines: Mapped[list[DealLine]] = relationship(
        cascade="all, delete-orphan", order_by="DealLine.position"
    )


class DealLine(Model):
    """One good of a deal, at the price that is offered."""

    __tablename__ = "deal_line"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("price >= 0", name="price_not_negative"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    deal_id: Mapped[int] = mapped_column(ForeignKey("deal.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    good_id: Mapped[int] = mapped_column(ForeignKey("good.id"), index=True)
    quantity: Mapped[int]
    price: Mapped[Price]
    discount: Mapped[Discount] = mapped_column(default=Decimal(0))
    amount: Mapped[Amount]

    good: Mapped[Good] = relationship()
