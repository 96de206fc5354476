"""Companies we do business with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from quarterdeck_crm.extensions import Model

from .collation import CODE_LENGTH, matched_as, sorted_as
from .columns import (
    HAS_LINES,
    IS_EMAIL,
    IS_PHONE,
    IS_WEBSITE,
    Archivable,
    Timestamps,
    Versioned,
    exact,
)
from .references import new_reference

if TYPE_CHECKING:
    from .person import Contact
    from .user import User


SORTED_BY = ("name_key", "code_key", "city_key", "country_key", "created_at")


class Account(Timestamps, Archivable, Versioned, Model):
    """A company. ``code`` is the name that other systems know it by, if any.

    ``merged_into_id`` is the record that a duplicate became part of; it is archived then.
    ``reference`` never changes: files name an account by it that has no code.
    """

    __tablename__ = "account"
    __table_args__ = tuple(Index(None, "archived_at", column) for column in SORTED_BY)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str | None] = mapped_column(String(CODE_LENGTH))
    code_key: Mapped[str | None] = matched_as("code", CODE_LENGTH, unique=True)
    reference: Mapped[str] = mapped_column(exact(20), unique=True, default=new_reference)
    name: Mapped[str] = mapped_column(String(200))
    name_key: Mapped[str] = sorted_as("name", 200, index=True)
    merged_into_id: Mapped[int | None] = mapped_column(
        ForeignKey("account.id", ondelete="SET NULL"), index=True
    )
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    email: Mapped[str | None] = mapped_column(String(254), info=IS_EMAIL)
    phone: Mapped[str | None] = mapped_column(String(40), info=IS_PHONE)
    website: Mapped[str | None] = mapped_column(String(300), info=IS_WEBSITE)
    address: Mapped[str | None] = mapped_column(String(300), info=HAS_LINES)
    city: Mapped[str | None] = mapped_column(String(100))
    city_key: Mapped[str] = sorted_as("city", 100)
    region: Mapped[str | None] = mapped_column(String(100))
    postal_code: Mapped[str | None] = mapped_column(String(20))
    country: Mapped[str | None] = mapped_column(String(100))
    country_key: Mapped[str] = sorted_as("country", 100)

    owner: Mapped[User | None] = relationship()
    contacts: Mapped[list[Contact]] = relationship(
        back_populates="account", cascade="all, delete-orphan", order_by="Contact.id"
    )
