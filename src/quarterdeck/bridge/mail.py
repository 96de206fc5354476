"""Stands in for Flask-Mail; sending is awaited in an ``async def``."""

from __future__ import annotations

from typing import Any, Self

from quarterdeck import _extras

_extras.needs("mail", "aiosmtplib", "email_validator")

from quarterdeck.mail import Attachment, BadHeaderError, Message, email_dispatched
from quarterdeck.mail import Connection as KitConnection
from quarterdeck.mail import Mail as KitMail
from quarterdeck.mail.config import CONFIG

from .colours import coloured
from .config import leave_out_none
from .waiting import wait

__all__ = ["Attachment", "BadHeaderError", "Connection", "Mail", "Message", "email_dispatched"]


class Connection(KitConnection):
    """A connection for many messages, for ``with`` and ``async with``."""

    send = coloured(KitConnection.send, name="connection.send")
    send_message = coloured(KitConnection.send_message, name="connection.send_message")

    def __enter__(self) -> Self:
        return wait(self.__aenter__())

    def __exit__(self, *error: Any) -> None:
        wait(self.__aexit__(*error))


class Mail(KitMail):
    """Sends mail."""

    def init_app(self, app: Any) -> None:
        """Read the configuration; what is None has its default."""
        leave_out_none(app, CONFIG)
        sender = app.config.get("MAIL_DEFAULT_SENDER")
        if isinstance(sender, tuple) and sender[-1] is None:
            app.config["MAIL_DEFAULT_SENDER"] = None
        super().init_app(app)

    send = coloured(KitMail.send, name="mail.send")
    send_message = coloured(KitMail.send_message, name="mail.send_message")
    enqueue = coloured(KitMail.enqueue, name="mail.enqueue")

    def connect(self) -> Connection:
        """Return a connection for many messages."""
        connection = super().connect()
        connection.__class__ = Connection
        return connection  # type: ignore[return-value]  # its class has just become that
