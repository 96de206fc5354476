"""People who sign in."""

from __future__ import annotations

import enum
from decimal import Decimal

from sqlalchemy import Enum, String
from sqlalchemy.orm import Mapped, mapped_column

from quarterdeck.login import UserMixin
from quarterdeck_crm.extensions import Model

from .columns import Price, Timestamp, Timestamps, words


class Role(enum.StrEnum):
    """What a person may do, each role including the ones before it."""

    USER = "User"
    MODERATOR = "Moderator"
    ADMIN = "Admin"

    def includes(self, other: Role) -> bool:
        """Whether this role may do all that ``other`` may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


class UserKind(enum.StrEnum):
    """The four kinds of people."""

    STANDARD = "standard"
    MANAGER = "manager"
    SENIOR_MANAGER = "senior_manager"
    MANUFACTURER = "manufacturer"


class User(UserMixin, Timestamps, Model):
    """A person of the team.

    ``auth_version`` grows when the password changes or the person is disabled; a browser
    session that remembers an older one is signed out at its next request.
    """

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(words(120), index=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[Role] = mapped_column(
        Enum(Role, native_enum=False, length=16, values_callable=lambda e: [m.value for m in e]),
        default=Role.USER,
    )
    kind: Mapped[UserKind] = mapped_column(
        Enum(
            UserKind, native_enum=False, length=16, values_callable=lambda e: [m.value for m in e]
        ),
        default=UserKind.STANDARD,
    )
    department: Mapped[str | None] = mapped_column(words(80), index=True)
    phone: Mapped[str | None] = mapped_column(String(32))
    balance: Mapped[Price] = mapped_column(default=Decimal(0))
    is_active: Mapped[bool] = mapped_column(default=True)
    auth_version: Mapped[int] = mapped_column(default=1)
    last_seen_at: Mapped[Timestamp | None]

    def has_role(self, role: Role) -> bool:
        """Whether the person may do what people with ``role`` may."""
        return self.role.includes(role)
