"""Notes and comments on records."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from quarterdeck_crm.extensions import Model

from .columns import Timestamp, Timestamps, Versioned, exact
from .references import new_reference

if TYPE_CHECKING:
    from .user import User

MAX_NOTE = 20_000  # characters


class Note(Timestamps, Versioned, Model):
    """A note on an account, a deal, an order, a person or a task.

    Attributes:
        reference: Never changes; files name the note by it.
        subject_type: The table of the record.
        author_id: None for a note of the system.
        edited_at: When the text last changed; None if it never did.
        removed_at: When it was removed. The text of a removed note is empty: nobody can read it
            any more, but the row stays, so that a notification still names its record.
    """

    __tablename__ = "note"
    __table_args__ = (Index(None, "subject_type", "subject_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(exact(20), unique=True, default=new_reference)
    subject_type: Mapped[str] = mapped_column(String(16))
    subject_id: Mapped[int]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    body: Mapped[str] = mapped_column(Text)
    edited_at: Mapped[Timestamp | None]
    removed_at: Mapped[Timestamp | None]

    author: Mapped[User | None] = relationship()

    # The names of the mentioned users by id, set when the text is saved. It is no column.
    mentioned = MappingProxyType[int, str]({})
