"""The events as words for pages and the terminal."""

from __future__ import annotations

from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import AuditAction, AuditEvent

LABELS: dict[AuditAction, str] = {
    AuditAction.SIGNED_IN: _l("Signed in"),
    AuditAction.SIGN_IN_FAILED: _l("Sign-in failed"),
    AuditAction.SIGN_IN_DELAYED: _l("Sign-in delayed"),
    AuditAction.SIGNED_OUT: _l("Signed out"),
    AuditAction.SIGNED_OUT_EVERYWHERE: _l("Signed out everywhere"),
    AuditAction.REGISTERED: _l("Registered"),
    AuditAction.PASSWORD_CHANGED: _l("Password changed"),
    AuditAction.PASSWORD_LINK_MADE: _l("Password link made"),
    AuditAction.USER_CREATED: _l("User created"),
    AuditAction.USER_CHANGED: _l("User changed"),
    AuditAction.USER_DISABLED: _l("User disabled"),
    AuditAction.USER_ENABLED: _l("User enabled"),
    AuditAction.USER_DELETED: _l("User deleted"),
    AuditAction.RECORDS_HANDED_OVER: _l("Records handed over"),
    AuditAction.TOKEN_CREATED: _l("Token created"),
    AuditAction.TOKEN_REVOKED: _l("Token revoked"),
    AuditAction.CALENDAR_CREATED: _l("Calendar address created"),
    AuditAction.CALENDAR_REVOKED: _l("Calendar address revoked"),
    AuditAction.IMPORTED: _l("Imported"),
    AuditAction.EXPORTED: _l("Exported"),
    AuditAction.DELETED: _l("Deleted"),
    AuditAction.VIEW_SHARED: _l("View shared"),
    AuditAction.VIEW_CHANGED: _l("Shared view changed"),
    AuditAction.TAG_CHANGED: _l("Tag changed"),
    AuditAction.TAG_MERGED: _l("Tag merged"),
    AuditAction.FIELD_CREATED: _l("Field created"),
    AuditAction.FIELD_CHANGED: _l("Field changed"),
    AuditAction.FIELD_ARCHIVED: _l("Field archived"),
    AuditAction.FIELD_RESTORED: _l("Field restored"),
}


def detail_text(event: AuditEvent) -> str:
    """Return the further facts of an event, such as ``role: User to Admin``."""
    return ", ".join(f"{name}: {_value(value)}" for name, value in event.detail.items())


def _value(value: object) -> str:
    if isinstance(value, list) and len(value) == 2:
        return f"{value[0]} to {value[1]}"
    return str(value)
