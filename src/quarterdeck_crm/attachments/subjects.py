"""The records that have files: accounts, deals and orders."""

from __future__ import annotations

from quarterdeck_crm.models import Account, Attachment, Deal, Order

Subject = Account | Deal | Order


def place_of(attachment: Attachment) -> tuple[str, int]:
    """Return the table and the id of the record that a file belongs to."""
    if attachment.account_id is not None:
        return "account", attachment.account_id
    if attachment.deal_id is not None:
        return "deal", attachment.deal_id
    return "order", attachment.order_id or 0


def account_id_of(subject: Subject) -> int:
    """Return the id of the account that a record is or belongs to."""
    return subject.id if isinstance(subject, Account) else subject.account_id
