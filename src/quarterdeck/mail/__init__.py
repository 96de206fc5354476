"""Mail by SMTP: messages, back ends, and an outbox in the database with its relay.

Stands in for Flask-Mail and needs ``quarterdeck[mail]``::

    mail = Mail(app)

    message = Message("Hello", recipients=["ada@example.com"], body="Welcome on board.")
    await mail.send(message)

With ``Mail(db=db)``, ``await mail.enqueue(message)`` writes the message into the transaction of
the caller, and the relay sends it after the commit.
"""

from __future__ import annotations

from quarterdeck import _extras

_extras.needs("mail", "aiosmtplib", "email_validator")

from quarterdeck.exceptions import BadHeaderError

from .backends.base import Backend, Transport
from .connection import Connection
from .envelope import Envelope
from .extension import Mail
from .message import Attachment, Message
from .signals import email_dispatched, email_enqueued, email_failed

__all__ = [
    "Attachment",
    "Backend",
    "BadHeaderError",
    "Connection",
    "Envelope",
    "Mail",
    "Message",
    "Transport",
    "email_dispatched",
    "email_enqueued",
    "email_failed",
]
