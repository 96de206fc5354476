"""Files that belong to an account, a deal or an order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from quarterdeck_crm.extensions import Model

from .columns import Timestamp, utc_now

if TYPE_CHECKING:
    from .user import User


class Attachment(Model):
    """A file of an account, a deal or an order; its contents stand on disk under ``stored``."""

    __tablename__ = "attachment"
    __table_args__ = (
        CheckConstraint(
            "(account_id IS NOT NULL) + (deal_id IS NOT NULL) + (order_id IS NOT NULL) = 1",
            name="one_subject",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("order.id"), index=True)
    deal_id: Mapped[int | None] = mapped_column(ForeignKey("deal.id"), index=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int]
    stored: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[Timestamp] = mapped_column(default=utc_now)

    author: Mapped[User | None] = relationship()

    @classmethod
    def belongs_to(cls, table: str, record_id: int) -> ColumnElement[bool]:
        """Return the condition for the files of an account, a deal or an order."""
        column = {"account": cls.account_id, "deal": cls.deal_id, "order": cls.order_id}
        return column[table] == record_id
