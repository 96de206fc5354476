"""The events as words for pages and the terminal."""

from __future__ import annotations

from urllib.parse import parse_qsl

from quarterdeck.babel import gettext as _
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.languages.words import KINDS, role_word
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


# The further facts that events keep. The name of any other field is shown as it is.
FACTS = {
    "email": _l("e-mail"),
    "into": _l("merged into"),
    "list": _l("filters"),
    "name": _l("name"),
    "records": _l("records"),
    "role": _l("role"),
    "scopes": _l("scopes"),
    "sent": _l("sent"),
    "to": _l("handed over to"),
    "token": _l("token"),
}
VALUES = {"by mail, as the user asked": _l("by mail, as the user asked")}

# What subjects begin with, such as "deal Wine for the party", and the record of a note.
SUBJECTS = {
    "account": _l("account"),
    "contact": _l("person"),
    "deal": _l("deal"),
    "file": _l("file"),
    "note": _l("note"),
    "order": _l("order"),
    "person": _l("person"),
    "tag": _l("tag"),
    "task": _l("task"),
}
FIELD_EVENTS = {
    AuditAction.FIELD_CREATED,
    AuditAction.FIELD_CHANGED,
    AuditAction.FIELD_ARCHIVED,
    AuditAction.FIELD_RESTORED,
}
# The kinds of custom fields, as in "contact field size".
OF_FIELDS = {
    "account": "accounts",
    "contact": "people",
    "deal": "deals",
    "good": "goods",
    "order": "orders",
}


def subject_text(event: AuditEvent) -> str:
    """Return what an event concerns, with the kind of a record in the language of the reader.

    The services record it in English.
    """
    subject = event.subject or ""
    word, _space, name = subject.partition(" ")
    if event.action in (AuditAction.IMPORTED, AuditAction.EXPORTED) and subject in KINDS:
        return str(KINDS[subject].title)
    if event.action in FIELD_EVENTS and word in OF_FIELDS:
        kind, name = KINDS[OF_FIELDS[word]].title, name.removeprefix("field ")
        return _("%(kind)s, field %(name)s", kind=kind, name=name)
    if word in KINDS and name.startswith("view "):
        kind, name = KINDS[word].title, name.removeprefix("view ")
        return _("%(kind)s, view %(name)s", kind=kind, name=name)
    return f"{SUBJECTS[word]} {name}" if name and word in SUBJECTS else subject


def details(event: AuditEvent) -> list[tuple[str, str]]:
    """Return the further facts of an event, each with its name."""
    words = FACTS | SUBJECTS
    return [(str(words.get(name, name)), _value(name, fact)) for name, fact in event.detail.items()]


def detail_text(event: AuditEvent) -> str:
    """Return the further facts of an event as one text, such as ``role: User to Admin``."""
    return ", ".join(f"{name}: {fact}" for name, fact in details(event))


def _value(name: str, value: object) -> str:
    if isinstance(value, list) and len(value) == 2:
        before, after = (_value(name, each) for each in value)
        return _("%(before)s to %(after)s", before=before, after=after)
    if name == "list":
        return ", ".join(f"{key}: {each}" for key, each in parse_qsl(str(value)))
    return role_word(value) if name == "role" else str(VALUES.get(str(value), value))
