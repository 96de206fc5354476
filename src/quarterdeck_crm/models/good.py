"""What we sell."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from quarterdeck_crm.extensions import Model

from .columns import Archivable, Currency, Price, Timestamps, Versioned, words


class Good(Timestamps, Archivable, Versioned, Model):
    """An item of the catalogue. ``code`` is its article number."""

    __tablename__ = "good"
    __table_args__ = (
        CheckConstraint("stock >= 0", name="stock_not_negative"),
        CheckConstraint("price >= 0", name="price_not_negative"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(words(200), index=True)
    category: Mapped[str | None] = mapped_column(words(80), index=True)
    unit: Mapped[str | None] = mapped_column(String(60))
    price: Mapped[Price]
    currency: Mapped[Currency]
    stock: Mapped[int] = mapped_column(default=0)
    picture: Mapped[str | None] = mapped_column(String(64))
    description: Mapped[str | None] = mapped_column(Text)
