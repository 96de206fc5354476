"""Compose a mail and put it into the outbox, in the transaction of the change it is about."""

from __future__ import annotations

import logging
from typing import Any

from quart import current_app
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.exceptions import InvalidMessageError
from quarterdeck.mail import Message
from quarterdeck_crm.extensions import mail
from quarterdeck_crm.languages import language_of
from quarterdeck_crm.models import User
from quarterdeck_crm.validation import one_line

from .links import unsubscribe_url

ALERT_HEADER = "X-Quarterdeck-Alert"

logger = logging.getLogger("quarterdeck_crm.mail")


def sends_mail() -> bool:
    """Whether this CRM is configured to send mail."""
    return bool(current_app.config["MAIL_ENABLED"])


async def post_to_user(
    session: AsyncSession,
    user: User,
    *,
    subject: str,
    template: str,
    kind: str | None = None,
    is_alert: bool = False,
    **context: Any,
) -> None:
    """Mail a user, if the CRM sends mail.

    Args:
        session: That of the change: the mail leaves after its commit.
        user: The reader.
        subject: Without a prefix; lazy, so that it is in the language of the reader.
        template: Below ``templates/mail``, without ``.txt`` and ``.html``.
        kind: What the user unsubscribes from, of ``links.KINDS``; None for mail that cannot be
            ended, such as a link that was asked for.
        is_alert: Whether it reports a failure; that it fails itself is not reported.
        **context: For the templates.
    """
    headers = {"Auto-Submitted": "auto-generated"}
    if is_alert:
        headers[ALERT_HEADER] = "yes"
    if kind is not None:
        context["unsubscribe_url"] = unsubscribe_url(user, kind)
        headers["List-Unsubscribe"] = f"<{context['unsubscribe_url']}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    with language_of(user):
        # Names that were stored by earlier versions may have line breaks.
        message = Message(one_line(str(subject)), [(user.name, user.email)], extra_headers=headers)
        await post(session, message, template, user=user, **context)


async def post(session: AsyncSession, message: Message, template: str, **context: Any) -> None:
    """Render a message and enqueue it, if the CRM sends mail.

    A user whose address no server would take does not fail the change: that is logged.
    """
    if not sends_mail():
        return
    await message.render(f"mail/{template}", **context)
    try:
        await mail.enqueue(message, session=session)
    except InvalidMessageError as error:
        logger.warning("no mail '%s' was written: %s", template, error)
