"""A connection to the mail server, for any number of messages."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import Any, Self

from quart import Quart

from quarterdeck._state import release_resources
from quarterdeck._unawaited import noted

from .addresses import RawAddress
from .backends.base import Transport
from .config import MailState
from .envelope import Envelope
from .message import Message
from .signals import announce, email_dispatched

logger = logging.getLogger("quarterdeck.mail")


class Connection:
    """Sends messages over one connection: ``async with mail.connect() as connection:``.

    It serves one task at a time. After ``MAIL_MAX_EMAILS`` messages it connects again.

    Attributes:
        num_emails: How many messages were sent since it was last opened.
    """

    def __init__(self, app: Quart, state: MailState) -> None:
        self._app = app
        self._state = state
        self._transport: Transport | None = None
        self.num_emails = 0

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            TemporaryDeliveryError: If the server cannot be reached, or refuses the sign-in.
        """
        await self.ensure_open()
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @noted("connection")
    async def send(self, message: Message, envelope_from: RawAddress | None = None) -> None:
        """Check and send a message.

        Args:
            message: Keeps its ``msgId``, also when it is sent again.
            envelope_from: The address for bounces; the sender if not given.

        Raises:
            InvalidMessageError: If the message cannot be sent; nothing was sent.
            DeliveryError: If the server did not take it, or not for all recipients.
            NotAwaitedError: At the end of the request, without ``await``.
        """
        envelope = message.envelope(envelope_from)
        await release_resources()
        await self.deliver(envelope)
        await announce(email_dispatched, self._app, message=message)

    @noted("connection")
    async def send_message(self, *args: Any, **options: Any) -> None:
        """Send a message made of the arguments of ``Message``."""
        await self.send(Message(*args, **options))

    async def deliver(self, envelope: Envelope) -> None:
        """Send what is already checked, without a signal.

        Raises:
            DeliveryError: If the server did not take it, or not for all recipients.
        """
        await self.ensure_open()
        if self._transport is not None:
            await self._transport.deliver(envelope)
        self.num_emails += 1
        level = logging.INFO if self._state.debug else logging.DEBUG
        verb = "suppressed" if self._state.suppress else "sent"
        count = len(envelope.recipients)
        logger.log(level, "%s %s to %d recipients", verb, envelope.message_id, count)

    async def ensure_open(self) -> None:
        """Connect again if the connection is lost, or has sent ``MAIL_MAX_EMAILS`` messages.

        Raises:
            TemporaryDeliveryError: If the server cannot be reached.
        """
        is_open = self._transport is not None and self._transport.is_open
        if self._state.suppress or (is_open and self.num_emails != self._state.max_emails):
            return
        await self.close()
        await release_resources()
        self._transport = await self._state.backend.connect()
        self.num_emails = 0

    async def close(self) -> None:
        """Say goodbye to the server; the end of the block does it."""
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.close()
