"""Notifications as sentences. The pages' scripts say the same of those that arrive live."""

from __future__ import annotations

from quarterdeck.babel import gettext as _
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import Notification, NotificationKind

MENTION, COMMENT, ASSIGNED, HANDED_OVER = NotificationKind
SENTENCES = {
    (MENTION, "account"): _l("{name} mentioned you at the account {title}."),
    (MENTION, "deal"): _l("{name} mentioned you at the deal '{title}'."),
    (MENTION, "order"): _l("{name} mentioned you at order {title}."),
    (MENTION, "person"): _l("{name} mentioned you at the person {title}."),
    (MENTION, "task"): _l("{name} mentioned you at the task '{title}'."),
    (COMMENT, "account"): _l("{name} wrote a note on your account {title}."),
    (COMMENT, "deal"): _l("{name} commented on your deal '{title}'."),
    (COMMENT, "order"): _l("{name} commented on your order {title}."),
    (COMMENT, "task"): _l("{name} commented on your task '{title}'."),
    (ASSIGNED, "account"): _l("{name} gave you the account {title}."),
    (ASSIGNED, "deal"): _l("{name} gave you the deal '{title}'."),
    (ASSIGNED, "task"): _l("{name} gave you the task '{title}'."),
    (HANDED_OVER, "user"): _l("{name} gave you the open records of {title}."),
}


def sentence_of(notification: Notification, title: str, by: str | None) -> str:
    """Return the sentence about a notification, in the language of the page or mail.

    Args:
        notification: The notification.
        title: The words for its record; empty if it was deleted.
        by: The name of the acting user; None is the system.
    """
    text = SENTENCES[notification.kind, notification.subject_type]
    return str(text).format(name=by or _("The system"), title=title or _("(deleted)"))
