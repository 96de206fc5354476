"""Notifications of users: mentions, comments on their records, and records given to them."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from sqlalchemy import Enum, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from quarterdeck_crm.extensions import Model

from .columns import Timestamp, utc_now

if TYPE_CHECKING:
    from .note import Note
    from .user import User


class NotificationKind(enum.StrEnum):
    """The occasion of a notification."""

    MENTION = "mention"  # a note names the user
    COMMENT = "comment"  # a note on a record of the user
    ASSIGNED = "assigned"  # a record was given to the user
    HANDED_OVER = "handed_over"  # the records of a colleague, who is the subject, were given


class Notification(Model):
    """A notification of one user.

    Attributes:
        subject_type: The table of the record that it is about.
        note_id: The note that it is about, if any. A note notifies each user once.
        read_at: When its user read it.
    """

    __tablename__ = "notification"
    __table_args__ = (
        UniqueConstraint("user_id", "note_id", name="uq_notification_user_id_note_id"),
        Index(None, "user_id", "id"),
        Index(None, "user_id", "read_at", "id"),
        Index(None, "subject_type", "subject_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    kind: Mapped[NotificationKind] = mapped_column(
        Enum(
            NotificationKind,
            native_enum=False,
            length=16,
            values_callable=lambda e: [m.value for m in e],
        )
    )
    subject_type: Mapped[str] = mapped_column(String(16))
    subject_id: Mapped[int]
    note_id: Mapped[int | None] = mapped_column(
        ForeignKey("note.id", ondelete="CASCADE"), index=True
    )
    actor_id: Mapped[int | None] = mapped_column(
        ForeignKey("user.id", ondelete="SET NULL"), index=True
    )
    created_at: Mapped[Timestamp] = mapped_column(default=utc_now)
    read_at: Mapped[Timestamp | None] = mapped_column(index=True)

    actor: Mapped[User | None] = relationship(foreign_keys=[actor_id])
    note: Mapped[Note | None] = relationship()
