"""What a mail server gets: addresses and bytes. The outbox stores it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message that is ready to be sent.

    Attributes:
        message_id: The ``Message-ID`` header, the same on every attempt.
        subject: For lists of mail; the header is in ``content``.
        sender: The address for ``MAIL FROM``.
        recipients: The addresses for ``RCPT TO``, each once.
        content: Headers and body, lines ending in CRLF.
        mail_options: ESMTP options of ``MAIL FROM``.
        rcpt_options: ESMTP options of ``RCPT TO``.
    """

    message_id: str
    subject: str
    sender: str
    recipients: list[str]
    content: bytes
    mail_options: list[str] = field(default_factory=list)
    rcpt_options: list[str] = field(default_factory=list)
