"""The goods we sell."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from quarterdeck_crm.extensions import Model

from .collation import CODE_LENGTH, matched_as, sorted_as
from .columns import Archivable, Currency, Price, Timestamps, Versioned

SORTED_BY = ("name_key", "code_key", "category_key", "price", "stock", "created_at")


class Good(Timestamps, Archivable, Versioned, Model):
    """An item of the goods. ``code`` is its code."""

    __tablename__ = "good"
    __table_args__ = (
        *(Index(None, "archived_at", column) for column in SORTED_BY),
        CheckConstraint("stock >= 0", name="stock_not_negative"),
        CheckConstraint("price >= 0", name="price_not_negative"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(CODE_LENGTH))
    code_key: Mapped[str] = matched_as("code", CODE_LENGTH, unique=True)
    name: Mapped[str] = mapped_column(String(200))
    name_key: Mapped[str] = sorted_as("name", 200)
    category: Mapped[str | None] = mapped_column(String(80))
    category_key: Mapped[str] = matched_as("category", 80, empty="")
    unit: Mapped[str | None] = mapped_column(String(60))
    price: Mapped[Price]
    currency: Mapped[Currency]
    stock: Mapped[int] = mapped_column(default=0)
    picture: Mapped[str | None] = mapped_column(String(64))
    description: Mapped[str | None] = mapped_column(Text)
