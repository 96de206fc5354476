"""Tags: words that users give to records of any kind."""

from __future__ import annotations

import enum

from sqlalchemy import Enum, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from quarterdeck_crm.extensions import Model

from .collation import matched_as
from .columns import Timestamps, Versioned

TAG_LENGTH = 40  # characters of a name


class TagColour(enum.StrEnum):
    """The colours of tags; each is readable in light and dark mode."""

    GREY = "grey"
    BLUE = "blue"
    GREEN = "green"
    YELLOW = "yellow"
    ORANGE = "orange"
    RED = "red"
    PURPLE = "purple"
    TEAL = "teal"


class Tag(Timestamps, Versioned, Model):
    """A tag. Its name is unique; upper and lower case count as the same."""

    __tablename__ = "tag"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(TAG_LENGTH))
    name_key: Mapped[str] = matched_as("name", TAG_LENGTH, unique=True)
    colour: Mapped[TagColour] = mapped_column(
        Enum(
            TagColour, native_enum=False, length=16, values_callable=lambda e: [m.value for m in e]
        ),
        default=TagColour.GREY,
    )


class RecordTag(Model):
    """One tag of one record. ``kind`` is the table of the record."""

    __tablename__ = "record_tag"
    __table_args__ = (Index(None, "tag_id", "kind", "record_id"),)

    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    record_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    tag_id: Mapped[int] = mapped_column(
        ForeignKey("tag.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
