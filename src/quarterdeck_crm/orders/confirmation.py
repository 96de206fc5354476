"""The confirmation of an order, mailed to a contact of its account."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager, selectinload
from wtforms import SelectField
from wtforms.validators import InputRequired

from quarterdeck.babel import gettext as _
from quarterdeck.mail import Message
from quarterdeck.wtf import QuartForm
from quarterdeck_crm.errors import MoveNotAllowedError, ValidationError
from quarterdeck_crm.forms.submission import SubmissionField
from quarterdeck_crm.history.recording import record
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.languages.words import state_word
from quarterdeck_crm.mail.sending import post, sends_mail
from quarterdeck_crm.models import Contact, Order, Person, User
from quarterdeck_crm.permissions import require_edit

from .states import TAKEN


class ConfirmationForm(QuartForm):
    """Chooses the reader of the confirmation."""

    submission = SubmissionField()
    contact = SelectField(_l("Contact"), [InputRequired(_l("Choose a contact."))], coerce=int)

    def offer(self, contacts: Sequence[Contact]) -> None:
        """Offer the contacts that have an address."""
        self.contact.choices = [(each.id, _described(each)) for each in contacts]


async def list_recipients(session: AsyncSession, *, order: Order) -> Sequence[Contact]:
    """Return the contacts to whom the order can be confirmed now; none if no mail is sent."""
    if not sends_mail() or order.state not in TAKEN:
        return []
    details = selectinload(Person.phones), selectinload(Person.emails)
    contacts = (
        select(Contact)
        .join(Contact.person)
        .where(Contact.account_id == order.account_id, Person.archived_at.is_(None))
        .where(Person.emails.any())
        .options(contains_eager(Contact.person).options(*details))
        .order_by(Person.name_key, Contact.id)
    )
    return (await session.scalars(contacts)).all()


def _described(contact: Contact) -> str:
    name = f"{contact.name}, {contact.email}"
    return _("%(name)s (do not contact)", name=name) if contact.person.do_not_contact else name


async def mail_confirmation(
    session: AsyncSession, *, actor: User, order: Order, contact_id: int
) -> Contact:
    """Mail the lines of an order to a contact, and note it in the history.

    Answers go to the actor.

    Raises:
        ForbiddenError: If the actor may not edit the order.
        MoveNotAllowedError: If the order is a draft or cancelled.
        ValidationError: If the contact is not one of the account, or has no address.
    """
    require_edit(actor, order)
    if order.state not in TAKEN:
        raise MoveNotAllowedError(
            _(
                "Order %(number)s is %(state)s. Confirm the order, then mail it.",
                number=order.number,
                state=state_word(order.state),
            )
        )
    contacts = {each.id: each for each in await list_recipients(session, order=order)}
    contact = contacts.get(contact_id)
    if contact is None or not contact.email:
        raise ValidationError({"contact": [_("Choose a contact with an e-mail address.")]})
    message = Message(
        _("Order %(number)s", number=order.number),
        [(contact.name, contact.email)],
        reply_to=(actor.name, actor.email),
    )
    await post(session, message, "order_confirmation", order=order, contact=contact, actor=actor)
    to = {"contact": [None, f"{contact.name}, {contact.email}"]}
    record(session, actor=actor, subject=order, action="confirmation mailed", changes=to)
    record(
        session,
        actor=actor,
        subject=order.account,
        action="order confirmation mailed",
        changes=to | {"order": [None, order.number]},
    )
    return contact
