"""Records that are likely the same company or person."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from quarterdeck_crm.extensions import Model

from .columns import Timestamp, exact

KEY_LENGTH = 80


class DuplicateKey(Model):
    """A key that two records share if they may be the same; ``duplicate_index`` keeps them.

    ``key`` begins with its kind: ``name:``, ``mail:`` or ``phone:``.
    """

    __tablename__ = "duplicate_key"
    __table_args__ = (Index(None, "subject_type", "subject_id"),)

    subject_type: Mapped[str] = mapped_column(String(16), primary_key=True)
    key: Mapped[str] = mapped_column(exact(KEY_LENGTH), primary_key=True)
    subject_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class DuplicatePair(Model):
    """Two records in use that share keys.

    Attributes:
        subject_type: The table of both.
        first_id: The smaller id.
        strength: How many kinds of keys they share.
        reasons: Those kinds, with spaces between them.
        dismissed_at: When a user decided that they are not the same.
    """

    __tablename__ = "duplicate_pair"
    __table_args__ = (
        Index(
            "ix_duplicate_pair_open",
            "subject_type", "dismissed_at", "strength", "second_id", "first_id",
        ),
        Index("ix_duplicate_pair_second", "subject_type", "second_id"),
    )  # fmt: skip

    subject_type: Mapped[str] = mapped_column(String(16), primary_key=True)
    first_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    second_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    strength: Mapped[int]
    reasons: Mapped[str] = mapped_column(String(40))
    dismissed_at: Mapped[Timestamp | None]
    dismissed_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("user.id", ondelete="SET NULL"), index=True
    )
