"""The events as words for pages and the terminal."""

from __future__ import annotations

from quarterdeck_crm.models import AuditAction, AuditEvent

LABELS: dict[AuditAction, str] = {
    AuditAction.SIGNED_IN: "Signed in",
    AuditAction.SIGN_IN_FAILED: "Sign-in failed",
    AuditAction.SIGN_IN_DELAYED: "Sign-in delayed",
    AuditAction.SIGNED_OUT: "Signed out",
    AuditAction.SIGNED_OUT_EVERYWHERE: "Signed out everywhere",
    AuditAction.REGISTERED: "Registered",
    AuditAction.PASSWORD_CHANGED: "Password changed",
    AuditAction.PASSWORD_LINK_MADE: "Password link made",
    AuditAction.USER_CREATED: "User created",
    AuditAction.USER_CHANGED: "User changed",
    AuditAction.USER_DISABLED: "User disabled",
    AuditAction.USER_ENABLED: "User enabled",
    AuditAction.USER_DELETED: "User deleted",
    AuditAction.TOKEN_CREATED: "Token created",
    AuditAction.TOKEN_REVOKED: "Token revoked",
    AuditAction.CALENDAR_CREATED: "Calendar address created",
    AuditAction.CALENDAR_REVOKED: "Calendar address revoked",
    AuditAction.IMPORTED: "Imported",
    AuditAction.EXPORTED: "Exported",
    AuditAction.DELETED: "Deleted",
}


def detail_text(event: AuditEvent) -> str:
    """Return the further facts of an event, such as ``role: User to Admin``."""
    return ", ".join(f"{name}: {_value(value)}" for name, value in event.detail.items())


def _value(value: object) -> str:
    if isinstance(value, list) and len(value) == 2:
        return f"{value[0]} to {value[1]}"
    return str(value)
