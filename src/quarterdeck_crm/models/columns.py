"""Column types and mixins that several tables share."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from sqlalchemy import String
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from quarterdeck.sqlalchemy import ExactDecimal, UTCDateTime

# A price has up to three decimals (the Kuwaiti dinar has three) and a discount three more,
# so six decimals hold every line amount exactly; rounding happens once, for the reader.
Price = Annotated[Decimal, mapped_column(ExactDecimal(15, 3))]
Amount = Annotated[Decimal, mapped_column(ExactDecimal(18, 6))]
Discount = Annotated[Decimal, mapped_column(ExactDecimal(4, 3))]
Currency = Annotated[str, mapped_column(String(3), info={"rule": "currency"})]
Timestamp = Annotated[datetime, mapped_column(UTCDateTime())]


def exact(length: int) -> String:
    """Text that is compared by its characters: on MySQL too, no two of them count the same."""
    binary = mysql.VARCHAR(length, collation="utf8mb4_bin")
    return String(length).with_variant(binary, "mysql", "mariadb")


# The ``info`` of text columns for which ``validation`` has a rule.
IS_EMAIL = {"rule": "email"}
IS_PHONE = {"rule": "phone"}
IS_WEBSITE = {"rule": "website"}
IS_TIME = {"rule": "time"}
IS_ZONE = {"rule": "zone"}
HAS_LINES = {"lines": True}  # a short text of several lines


def utc_now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)


class Timestamps:
    """When a row was made and last changed, in UTC."""

    created_at: Mapped[Timestamp] = mapped_column(default=utc_now, index=True)
    updated_at: Mapped[Timestamp] = mapped_column(default=utc_now, onupdate=utc_now)


class Archivable:
    """A row that is put away instead of lost.

    Lists show either kind, so the indexes that they are read from begin with ``archived_at``.
    """

    archived_at: Mapped[Timestamp | None] = mapped_column(default=None)

    @property
    def is_archived(self) -> bool:
        return self.archived_at is not None


class Versioned:
    """A row with a version, so that concurrent edits are detected.

    An UPDATE that started from an older version than the row has raises ``StaleDataError``.
    """

    version: Mapped[int] = mapped_column()

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version}
