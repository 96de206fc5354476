"""Users that can sign in."""

from __future__ import annotations

import enum
from decimal import Decimal

from sqlalchemy import Enum, String
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column, validates

from quarterdeck.login import UserMixin
from quarterdeck_crm.extensions import Model
from quarterdeck_crm.validation.addresses import address_key

from .collation import sorted_as
from .columns import IS_ZONE, Price, Timestamp, Timestamps, exact


def _key_of_inserted(context: DefaultExecutionContext) -> str:
    """Return the key of a row that is inserted without an object."""
    return address_key(context.get_current_parameters()["email"])


class Role(enum.StrEnum):
    """The roles of users. Each includes the ones before it."""

    USER = "User"
    MODERATOR = "Moderator"
    ADMIN = "Admin"

    def includes(self, other: Role) -> bool:
        """Whether this role may do all that ``other`` may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


class UserKind(enum.StrEnum):
    """The four kinds of users."""

    STANDARD = "standard"
    MANAGER = "manager"
    SENIOR_MANAGER = "senior_manager"
    MANUFACTURER = "manufacturer"


class NoticeTime(enum.StrEnum):
    """When a user is told by mail that a colleague has changed their orders."""

    OFF = "off"
    AT_ONCE = "at_once"
    DAILY = "daily"


class User(UserMixin, Timestamps, Model):
    """A user of the team.

    ``email`` is stored as ``fold_address`` returns it; ``email_key`` is equal for addresses that
    look the same. ``auth_version`` grows when the password changes or the user is disabled; a
    browser session that remembers an older one is signed out at its next request.
    """

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(exact(254), unique=True)
    email_key: Mapped[str] = mapped_column(exact(254), unique=True, default=_key_of_inserted)
    name: Mapped[str] = mapped_column(String(120))
    name_key: Mapped[str] = sorted_as("name", 120, index=True)
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
    department: Mapped[str | None] = mapped_column(String(80))
    department_key: Mapped[str] = sorted_as("department", 80)
    phone: Mapped[str | None] = mapped_column(String(32))
    balance: Mapped[Price] = mapped_column(default=Decimal(0))
    is_active: Mapped[bool] = mapped_column(default=True)
    auth_version: Mapped[int] = mapped_column(default=1)
    last_seen_at: Mapped[Timestamp | None]
    notices: Mapped[NoticeTime] = mapped_column(
        Enum(
            NoticeTime,
            native_enum=False,
            length=16,
            values_callable=lambda e: [m.value for m in e],
        ),
        default=NoticeTime.AT_ONCE,
    )
    daily_summary: Mapped[bool] = mapped_column(default=False)
    mails_notifications: Mapped[bool] = mapped_column(default=False)
    # A code of ``languages.LANGUAGES``; None is that of the browser.
    language: Mapped[str | None] = mapped_column(String(16))
    summarized_at: Mapped[Timestamp | None]  # when the last daily mail was written
    zone: Mapped[str | None] = mapped_column(String(64), info=IS_ZONE)  # of dates and times
    # The hash of the secret in the address of the calendar feed; None is no feed.
    calendar_digest: Mapped[str | None] = mapped_column(String(64), unique=True)

    # Set on the user of a browser session, for the navigation. It is no column, and so it stays
    # when a service reads the user again.
    unread_notifications = 0

    @validates("email")
    def _set_key(self, _name: str, email: str) -> str:
        """Let the key follow the address; one that the migrations found taken stays as it is."""
        if self.__dict__.get("email") != email:
            self.email_key = address_key(email)
        return email

    def has_role(self, role: Role) -> bool:
        """Whether the user's role includes ``role``."""
        return self.role.includes(role)
