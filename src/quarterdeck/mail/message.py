"""Messages and attachments, with the names of Flask-Mail."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import make_msgid
from mimetypes import MimeTypes
from typing import TYPE_CHECKING, Any, Self

from jinja2 import TemplateNotFound
from quart import has_app_context, render_template

from quarterdeck.exceptions import InvalidMessageError

from . import mime
from .addresses import Address, RawAddress, parse
from .config import STATE, MailState
from .envelope import Envelope

if TYPE_CHECKING:
    from .connection import Connection


TYPES = MimeTypes()  # it reads files, so not while a request waits


@dataclass(slots=True)
class Attachment:
    """A file of a message.

    Attributes:
        filename: The name that readers see; None for no name.
        content_type: Guessed from the name if not given.
        data: The content; text is sent in UTF-8.
        disposition: ``attachment``, or ``inline`` for an image in the HTML body.
        headers: Further headers of this part.
    """

    filename: str | None = None
    content_type: str | None = None
    data: str | bytes | None = None
    disposition: str | None = "attachment"
    headers: dict[str, str] | None = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.data is None:
            raise InvalidMessageError("data", "of an attachment is missing", "Give its content.")
        if self.content_type is None and self.filename is not None:
            self.content_type = TYPES.guess_type(self.filename)[0]
        if self.content_type is None:
            is_text = isinstance(self.data, str)
            self.content_type = "text/plain" if is_text else "application/octet-stream"
        self.disposition = self.disposition or "attachment"
        self.headers = dict(self.headers or {})


class Message:
    """A mail.

    Args:
        subject: Without ``MAIL_SUBJECT_PREFIX``, which is added when it is sent.
        recipients: Addresses: ``"ada@example.com"``, ``"Ada <ada@example.com>"`` or
            ``("Ada", "ada@example.com")``.
        body: The plain text.
        html: The HTML; give ``body`` too, for plain clients.
        alts: Further alternatives by subtype of ``text``, such as ``{"calendar": ...}``.
        sender: ``MAIL_DEFAULT_SENDER`` if not given.
        cc: Addresses that all recipients see.
        bcc: Addresses that nobody sees.
        attachments: Files.
        reply_to: Where answers go.
        date: Unix time of the ``Date`` header; that of sending if not given.
        charset: Of texts and headers, UTF-8 if not given. Text that it cannot hold is sent in
            UTF-8.
        extra_headers: Further headers.
        mail_options: ESMTP options of ``MAIL FROM``.
        rcpt_options: ESMTP options of ``RCPT TO``.

    Attributes:
        msgId: The ``Message-ID`` header; servers and readers recognise a copy by it.
    """

    def __init__(
        self,
        subject: str = "",
        recipients: Iterable[RawAddress] | None = None,
        body: str | None = None,
        html: str | None = None,
        alts: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        sender: RawAddress | None = None,
        cc: Iterable[RawAddress] | None = None,
        bcc: Iterable[RawAddress] | None = None,
        attachments: Iterable[Attachment] | None = None,
        reply_to: RawAddress | None = None,
        date: float | None = None,
        charset: str | None = None,
        extra_headers: Mapping[str, str] | None = None,
        mail_options: Iterable[str] | None = None,
        rcpt_options: Iterable[str] | None = None,
    ) -> None:
        sender = sender or _default_sender()
        self.subject = subject
        self.recipients = _addresses("recipients", recipients)
        self.body = body
        self.alts: dict[str, str] = dict(alts or {})
        self.html = html if html is not None else self.alts.get("html")
        self.sender = f"{sender[0]} <{sender[1]}>" if isinstance(sender, tuple) else sender
        self.cc = _addresses("cc", cc)
        self.bcc = _addresses("bcc", bcc)
        self.attachments = list(attachments or ())
        self.reply_to = reply_to
        self.date = date
        self.msgId = make_msgid(domain=_domain(self.sender))
        self.charset = charset
        self.extra_headers = dict(extra_headers or {})
        self.mail_options = list(mail_options or ())
        self.rcpt_options = list(rcpt_options or ())

    @property
    def html(self) -> str | None:
        """The HTML body, one of the alternatives."""
        return self.alts.get("html")

    @html.setter
    def html(self, value: str | None) -> None:
        if value is None:
            self.alts.pop("html", None)
        else:
            self.alts["html"] = value

    @property
    def send_to(self) -> set[RawAddress]:
        """All recipients, those of ``cc`` and ``bcc`` included."""
        return {*self.recipients, *self.cc, *self.bcc}

    def add_recipient(self, recipient: RawAddress) -> None:
        """Add an address to ``recipients``."""
        self.recipients.append(recipient)

    def attach(
        self,
        filename: str | None = None,
        content_type: str | None = None,
        data: str | bytes | None = None,
        disposition: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Add a file; the arguments are those of ``Attachment``."""
        self.attachments.append(Attachment(filename, content_type, data, disposition, headers))

    def embed(self, filename: str, data: bytes, content_type: str | None = None) -> str:
        """Add an image for the HTML body and return its URL, ``cid:...``, for ``<img src>``."""
        id_ = make_msgid(domain="inline")
        self.attach(filename, content_type, data, "inline", {"Content-ID": id_})
        return f"cid:{id_[1:-1]}"

    async def render(self, template: str, **context: Any) -> Self:
        """Fill ``body`` from ``TEMPLATE.txt`` and ``html`` from ``TEMPLATE.html``.

        The HTML template may be missing. Outside of a request ``url_for`` in the templates
        needs ``SERVER_NAME``.

        Raises:
            jinja2.TemplateNotFound: If there is no text template.
        """
        self.body = await render_template(f"{template}.txt", **context)
        try:
            self.html = await render_template(f"{template}.html", **context)
        except TemplateNotFound as error:
            if error.name != f"{template}.html":
                raise
        return self

    async def send(self, connection: Connection) -> None:
        """Send the message over a connection; the same as ``connection.send(message)``."""
        await connection.send(self)

    def envelope(self, envelope_from: RawAddress | None = None) -> Envelope:
        """Check the message and return what a server gets.

        Args:
            envelope_from: The address for ``MAIL FROM``, where bounces go; ``sender`` if not
                given.

        Raises:
            InvalidMessageError: If sender or recipients are missing, or a value is not valid.
        """
        if not self.send_to:
            raise InvalidMessageError(
                "recipients", "are empty", "Give at least one of 'recipients', 'cc' and 'bcc'."
            )
        content = self.as_bytes()
        sender = self._sender() if envelope_from is None else parse("sender", envelope_from)
        fields = {"recipients": self.recipients, "cc": self.cc, "bcc": self.bcc}
        to = [parse(name, raw).address for name, raws in fields.items() for raw in raws]
        options = list(self.mail_options)
        if not content.isascii() or not "".join([sender.address, *to]).isascii():
            options += [each for each in mime.UTF8_OPTIONS if each not in options]
        return Envelope(
            self.msgId,
            mime.unfold(self.subject),
            sender.address,
            list(dict.fromkeys(to)),
            content,
            options,
            list(self.rcpt_options),
        )

    def as_bytes(self) -> bytes:
        """Return headers and body as they are sent.

        Raises:
            InvalidMessageError: If the sender is missing, or a value is not valid.
        """
        if self.date is None:
            self.date = time.time()
        state = _state()
        return mime.build(
            self,
            sender=self._sender(),
            prefix=state.subject_prefix if state else "",
            ascii_attachments=state.ascii_attachments if state else False,
        )

    def as_string(self) -> str:
        """Return headers and body as text; see ``as_bytes``."""
        return self.as_bytes().decode("utf-8", "replace")

    __bytes__ = as_bytes
    __str__ = as_string

    def has_bad_headers(self) -> bool:
        """Whether a header holds a control character, which is refused when it is sent."""
        return mime.has_bad_headers(self)

    def _sender(self) -> Address:
        if not self.sender:
            raise InvalidMessageError(
                "sender", "is missing", "Give it to the message, or set MAIL_DEFAULT_SENDER."
            )
        return parse("sender", self.sender)


def _addresses(field: str, given: Iterable[RawAddress] | None) -> list[RawAddress]:
    if isinstance(given, str):
        raise InvalidMessageError(field, f"is the text {given!r}", f"Give a list: [{given!r}].")
    return list(given or ())


def _state() -> MailState | None:
    return STATE.get() if has_app_context() else None


def _default_sender() -> RawAddress | None:
    state = _state()
    return state.default_sender if state else None


def _domain(sender: str | None) -> str:
    """Return a name for message ids; without it Python asks the network for one."""
    domain = (sender or "").rpartition("@")[2].strip("<> ")
    return (
        domain
        if domain.isascii() and domain.replace(".", "").replace("-", "").isalnum()
        else ("quarterdeck.invalid")
    )
