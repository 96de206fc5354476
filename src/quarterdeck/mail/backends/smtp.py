"""Mail to an SMTP server, with aiosmtplib.

An error of the connection or of the sign-in is temporary: it is the fault of the server or of
the configuration, not of the message.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import aiosmtplib

from quarterdeck.exceptions import (
    DeliveryError,
    PermanentDeliveryError,
    RecipientsRefusedError,
    TemporaryDeliveryError,
)
from quarterdeck.mail.envelope import Envelope

from .base import Backend, Transport

AUTHENTICATION = (530, 534, 535, 538)  # answers that a right configuration would not get
CONNECT_STEPS = 4  # connect, greet, encrypt, sign in


class SMTPBackend(Backend):
    """Connects with the ``MAIL_*`` keys; see ``docs/configuration.md``."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.name = f"{config['MAIL_SERVER']}:{config['MAIL_PORT']}"
        self._timeout: float | None = config["MAIL_TIMEOUT"] or None
        self._options: dict[str, Any] = {
            "hostname": config["MAIL_SERVER"],
            "port": config["MAIL_PORT"],
            "username": config["MAIL_USERNAME"],
            "password": config["MAIL_PASSWORD"],
            "use_tls": config["MAIL_USE_SSL"],
            "start_tls": config["MAIL_USE_TLS"],
            "cert_bundle": config["MAIL_SSL_CAFILE"],
            "client_cert": config["MAIL_SSL_CERTFILE"],
            "client_key": config["MAIL_SSL_KEYFILE"],
            "timeout": self._timeout,
        }

    async def connect(self) -> Transport:
        client = aiosmtplib.SMTP(**self._options)
        limit = None if self._timeout is None else CONNECT_STEPS * self._timeout
        try:
            async with asyncio.timeout(limit):
                await client.connect()
        except (aiosmtplib.SMTPException, OSError) as error:
            client.close()
            raise TemporaryDeliveryError(self.name, _text(error)) from error
        return SMTPTransport(self.name, client)


class SMTPTransport(Transport):
    """One connection."""

    def __init__(self, name: str, client: aiosmtplib.SMTP) -> None:
        self._name = name
        self._client = client

    @property
    def is_open(self) -> bool:
        return self._client.is_connected

    async def deliver(self, envelope: Envelope) -> None:
        try:
            refused, _ = await self._client.sendmail(
                envelope.sender,
                envelope.recipients,
                envelope.content,
                mail_options=envelope.mail_options,
                rcpt_options=envelope.rcpt_options,
            )
        except (aiosmtplib.SMTPException, OSError) as error:
            raise self._translated(error) from error
        except asyncio.CancelledError:
            self._client.close()  # a command may be half sent
            raise
        if refused:
            answers = {address: (each.code, each.message) for address, each in refused.items()}
            raise RecipientsRefusedError(self._name, answers)

    async def close(self) -> None:
        with suppress(aiosmtplib.SMTPException, OSError):
            await self._client.quit()
        self._client.close()

    def _translated(self, error: Exception) -> DeliveryError:
        match error:
            case aiosmtplib.SMTPRecipientsRefused():
                answers = {each.recipient: (each.code, each.message) for each in error.recipients}
                return RecipientsRefusedError(self._name, answers)
            case aiosmtplib.SMTPNotSupported():
                return PermanentDeliveryError(self._name, _text(error))
            case aiosmtplib.SMTPSenderRefused() | aiosmtplib.SMTPDataError() if (
                error.code >= 500 and error.code not in AUTHENTICATION
            ):
                return PermanentDeliveryError(self._name, _text(error))
        return TemporaryDeliveryError(self._name, _text(error))


def _text(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {error.message}"
    return str(error) or type(error).__name__
