"""Tasks, with a due date, an assignee, and a link to a record."""

from __future__ import annotations

import enum
import secrets
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from quarterdeck_crm.extensions import Model

from .collation import sorted_as
from .columns import IS_TIME, IS_ZONE, Timestamp, Timestamps, Versioned, exact

if TYPE_CHECKING:
    from .account import Account
    from .deal import Deal
    from .order import Order
    from .person import Contact
    from .user import User

# The ``due_at`` of a task without a date: such tasks come last, and the column needs no NULL.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


class Priority(enum.IntEnum):
    """How urgent a task is. The number is stored, so that lists sort by it."""

    HIGH = 1
    NORMAL = 2
    LOW = 3


class Repeat(enum.StrEnum):
    """How often a task comes back."""

    DAILY = "daily"
    WEEKDAYS = "weekdays"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    YEARLY = "yearly"


def new_task_reference() -> str:
    """Return a reference for a new task; files name tasks by it."""
    return f"tsk-{secrets.token_hex(8)}"


class Task(Timestamps, Versioned, Model):
    """A task of a user.

    Date and time are kept as entered, in the time zone ``zone``, so that a task that repeats at
    09:00 stays at 09:00 when the clocks change.

    Attributes:
        reference: Never changes; files name the task by it.
        due_on: The day on which it is due, if any.
        due_time: The time of that day as ``HH:MM``; None is the whole day.
        due_at: The instant of both in UTC. For a whole day it is midnight in UTC, so that all
            users see the same day. ``NEVER`` without a date.
        remind_at: The instant of the reminder.
        reminded_at: When the reminder was sent.
        repeat_from: The first day of the series; the others follow its day of the week or month.
        follows_id: The task of the series before this one. It is unique: however often a task
            is marked as done, the next one is made once.
    """

    __tablename__ = "task"
    __table_args__ = (
        Index(None, "is_done", "due_at"),
        Index(None, "is_done", "priority", "due_at"),
        Index(None, "is_done", "title_key"),
        Index(None, "is_done", "created_at"),
        Index(None, "assignee_id", "is_done", "due_at"),
        Index(None, "account_id", "is_done", "due_at"),
        Index(None, "is_done", "reminded_at", "remind_at"),
        CheckConstraint("priority BETWEEN 1 AND 3", name="priority_known"),
        CheckConstraint("repeat_every > 0", name="repeat_every_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(exact(20), unique=True, default=new_task_reference)
    title: Mapped[str] = mapped_column(String(200))
    title_key: Mapped[str] = sorted_as("title", 200)
    details: Mapped[str | None] = mapped_column(Text)
    due_on: Mapped[date | None]
    due_time: Mapped[str | None] = mapped_column(String(5), info=IS_TIME)
    zone: Mapped[str] = mapped_column(String(64), default="UTC", info=IS_ZONE)
    due_at: Mapped[Timestamp] = mapped_column(default=NEVER)
    priority: Mapped[int] = mapped_column(default=int(Priority.NORMAL))
    repeat: Mapped[Repeat | None] = mapped_column(
        Enum(Repeat, native_enum=False, length=16, values_callable=lambda e: [m.value for m in e])
    )
    repeat_every: Mapped[int] = mapped_column(default=1)
    repeat_until: Mapped[date | None]
    repeat_from: Mapped[date | None]
    remind_on: Mapped[date | None]
    remind_time: Mapped[str | None] = mapped_column(String(5), info=IS_TIME)
    remind_at: Mapped[Timestamp | None]
    reminded_at: Mapped[Timestamp | None]
    is_done: Mapped[bool] = mapped_column(default=False)
    done_at: Mapped[Timestamp | None]
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    creator_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    contact_id: Mapped[int | None] = mapped_column(
        ForeignKey("contact.id", ondelete="SET NULL"), index=True
    )
    order_id: Mapped[int | None] = mapped_column(
        ForeignKey("order.id", ondelete="SET NULL"), index=True
    )
    deal_id: Mapped[int | None] = mapped_column(
        ForeignKey("deal.id", ondelete="SET NULL"), index=True
    )
    follows_id: Mapped[int | None] = mapped_column(
        ForeignKey("task.id", ondelete="SET NULL"), unique=True
    )

    assignee: Mapped[User | None] = relationship(foreign_keys=[assignee_id])
    creator: Mapped[User | None] = relationship(foreign_keys=[creator_id])
    account: Mapped[Account | None] = relationship()
    contact: Mapped[Contact | None] = relationship()
    order: Mapped[Order | None] = relationship()
    deal: Mapped[Deal | None] = relationship()

    @property
    def due(self) -> datetime | None:
        """The instant at which a task with a time is due; None for a whole day or no date."""
        return self.due_at if self.due_on is not None and self.due_time is not None else None

    @property
    def urgency(self) -> Priority:
        """The priority as a name."""
        return Priority(self.priority)
