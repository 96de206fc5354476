"""The audit log: sign-ins, and changes that matter for security."""

from __future__ import annotations

import enum
from typing import Any

from sqlalchemy import JSON, Enum, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from quarterdeck_crm.extensions import Model

from .columns import Timestamp, utc_now


class AuditAction(enum.StrEnum):
    """The kinds of events."""

    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGN_IN_DELAYED = "sign_in_delayed"
    SIGNED_OUT = "signed_out"
    SIGNED_OUT_EVERYWHERE = "signed_out_everywhere"
    REGISTERED = "registered"
    PASSWORD_CHANGED = "password_changed"
    PASSWORD_LINK_MADE = "password_link_made"
    USER_CREATED = "user_created"
    USER_CHANGED = "user_changed"
    USER_DISABLED = "user_disabled"
    USER_ENABLED = "user_enabled"
    USER_DELETED = "user_deleted"
    RECORDS_HANDED_OVER = "records_handed_over"
    TOKEN_CREATED = "token_created"
    TOKEN_REVOKED = "token_revoked"
    CALENDAR_CREATED = "calendar_created"
    CALENDAR_REVOKED = "calendar_revoked"
    IMPORTED = "imported"
    EXPORTED = "exported"
    DELETED = "deleted"
    VIEW_SHARED = "view_shared"
    VIEW_CHANGED = "view_changed"
    TAG_CHANGED = "tag_changed"
    TAG_MERGED = "tag_merged"
    FIELD_CREATED = "field_created"
    FIELD_CHANGED = "field_changed"
    FIELD_ARCHIVED = "field_archived"
    FIELD_RESTORED = "field_restored"


class AuditEvent(Model):
    """One line of the audit log.

    It holds names as they were, so that it can be read after a user is deleted.

    Attributes:
        actor_id: The user that did it; None for a visitor, the command line, and a deleted user.
        actor: The e-mail address of that user, or the one entered at sign-in.
        user_id: The user that it was done to, if any.
        subject: The name of what it was done to.
        address: The client's IP address; None for the command line and background work.
        user_agent: The client's program, as it names itself.
        request_id: The id of the request in the logs.
        detail: Further facts by name, such as the old and the new role.
    """

    __tablename__ = "audit_event"
    __table_args__ = (
        Index(None, "action", "id"),
        Index(None, "actor_id", "id"),
        Index(None, "user_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[Timestamp] = mapped_column(default=utc_now, index=True)
    action: Mapped[AuditAction] = mapped_column(
        Enum(
            AuditAction,
            native_enum=False,
            length=32,
            values_callable=lambda e: [m.value for m in e],
        )
    )
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    actor: Mapped[str | None] = mapped_column(String(254))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    subject: Mapped[str | None] = mapped_column(String(254))
    address: Mapped[str | None] = mapped_column(String(64))
    user_agent: Mapped[str | None] = mapped_column(String(255))
    request_id: Mapped[str | None] = mapped_column(String(128))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
