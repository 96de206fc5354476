"""Changes of many records at once, and changes that can be undone."""

from __future__ import annotations

import enum
import secrets
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, Enum, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from quarterdeck_crm.extensions import Model

from .columns import Timestamp, exact, utc_now

if TYPE_CHECKING:
    from .user import User


def new_key() -> str:
    """Return a key for an address that only its user can open."""
    return secrets.token_urlsafe(16)


class RunState(enum.StrEnum):
    """How far a bulk change is."""

    READY = "ready"
    RUNNING = "running"
    DONE = "done"


class UndoStep(Model):
    """Changes that their user can undo once, for a short time.

    Attributes:
        key: In the address of the button.
        used_at: When it was undone; None if it was not.
    """

    __tablename__ = "undo_step"
    __table_args__ = (Index(None, "user_id", "created_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(exact(32), unique=True, default=new_key)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    created_at: Mapped[Timestamp] = mapped_column(default=utc_now)
    used_at: Mapped[Timestamp | None]


class UndoItem(Model):
    """One changed record of a step.

    Attributes:
        kind: The table of the record.
        version: The version of the record after the change; another one refuses the undo.
        action: As in the history.
        before: The values that the change replaced, as JSON.
    """

    __tablename__ = "undo_item"

    id: Mapped[int] = mapped_column(primary_key=True)
    step_id: Mapped[int] = mapped_column(ForeignKey("undo_step.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    subject_id: Mapped[int]
    version: Mapped[int]
    action: Mapped[str] = mapped_column(String(32))
    before: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class BulkRun(Model):
    """One action on many records, done in batches.

    Attributes:
        key: In the address of its page.
        kind: The table of the records.
        action: A name from ``bulk.actions``.
        value: The argument of the action, for example the id of the new owner, or the key of a
            custom field, a colon and the value.
        ids: The records, in the order of the list; the items of a step for an undo; ``[list, id]``
            if a user's records of several lists are handed over.
        position: How many of ``ids`` were worked through.
        done: How many of those were changed.
        refused: ``[name, reason]`` of those that were not, the first ones only.
        beat_at: The last sign of life of the worker.
        step_id: The step that undoes it.
    """

    __tablename__ = "bulk_run"
    __table_args__ = (Index(None, "user_id", "created_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(exact(32), unique=True, default=new_key)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(16))
    action: Mapped[str] = mapped_column(String(32))
    value: Mapped[str | None] = mapped_column(String(600))
    ids: Mapped[list[Any]] = mapped_column(JSON, default=list)
    state: Mapped[RunState] = mapped_column(
        Enum(
            RunState, native_enum=False, length=16, values_callable=lambda e: [m.value for m in e]
        ),
        default=RunState.READY,
    )
    position: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    refused: Mapped[list[list[str]]] = mapped_column(JSON, default=list)
    created_at: Mapped[Timestamp] = mapped_column(default=utc_now)
    beat_at: Mapped[Timestamp] = mapped_column(default=utc_now)
    step_id: Mapped[int | None] = mapped_column(ForeignKey("undo_step.id", ondelete="SET NULL"))

    user: Mapped[User] = relationship()
