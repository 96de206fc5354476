"""Fields that administrators add to records, and their values."""

from __future__ import annotations

import enum
from datetime import date
from typing import Any

from sqlalchemy import JSON, Enum, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from quarterdeck_crm.extensions import Model

from .collation import sorted_as
from .columns import Amount, Archivable, Timestamps, Versioned, exact

KEY_LENGTH = 40  # characters of a key
TEXT_LENGTH = 500  # characters of a text
FOUND_LENGTH = 100  # characters of a text that filters compare


class FieldType(enum.StrEnum):
    """The type of the values of a field."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    CHOICE = "choice"
    YES_NO = "yes_no"


class CustomField(Timestamps, Archivable, Versioned, Model):
    """A field of one kind of record.

    Attributes:
        kind: The table of the records.
        key: The name in the API and in files. It never changes.
        options: The texts to choose from, if the type is a choice.
        in_list: Whether lists show it as a column.
        position: Its place among the fields of the kind.
    """

    __tablename__ = "custom_field"
    __table_args__ = (UniqueConstraint("kind", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    key: Mapped[str] = mapped_column(exact(KEY_LENGTH))
    label: Mapped[str] = mapped_column(String(80))
    help: Mapped[str | None] = mapped_column(String(200))
    type: Mapped[FieldType] = mapped_column(
        Enum(
            FieldType, native_enum=False, length=16, values_callable=lambda e: [m.value for m in e]
        )
    )
    options: Mapped[list[Any]] = mapped_column(JSON, default=list)
    required: Mapped[bool] = mapped_column(default=False)
    in_list: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int] = mapped_column(default=0)


class CustomValue(Model):
    """The value of a field in one record, in the column of its type; the others are None."""

    __tablename__ = "custom_value"
    __table_args__ = (
        Index("ix_custom_value_text", "field_id", "text_key", "record_id"),
        Index("ix_custom_value_number", "field_id", "number", "record_id"),
        Index("ix_custom_value_day", "field_id", "day", "record_id"),
        Index("ix_custom_value_flag", "field_id", "flag", "record_id"),
    )

    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    record_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    field_id: Mapped[int] = mapped_column(
        ForeignKey("custom_field.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    text: Mapped[str | None] = mapped_column(String(TEXT_LENGTH))
    text_key: Mapped[str] = sorted_as("text", FOUND_LENGTH)
    number: Mapped[Amount | None]
    day: Mapped[date | None]
    flag: Mapped[bool | None]
