"""The configuration keys of mail, named as in Flask-Mail and Flask-Mailman, and its state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from quarterdeck._measurements import Measurement
from quarterdeck._state import ExtensionState
from quarterdeck.config import ConfigKey, boolean, integer, seconds, text, type_name
from quarterdeck.exceptions import OutboxMissingError

from .checks import RULES

if TYPE_CHECKING:
    from .addresses import RawAddress
    from .backends.base import Backend
    from .outbox import Outbox
    from .relay import Relay

T = TypeVar("T")

COUNTED = {
    "sent": "Mails that a mail server has accepted.",
    "retried": "Failed attempts that are retried.",
    "dead": "Mails that were given up.",
    "outages": "Times that the mail server was not reachable.",
}

STANDING = {
    "waiting": "Mails in the outbox that are to be sent.",
    "dead": "Mails in the outbox that were given up and wait for an administrator.",
    "oldest_seconds": "Age of the oldest mail that is to be sent.",
}

BACKENDS = ("smtp", "console", "file", "memory")


@type_name("address, or a pair of name and address")
def address(raw: Any) -> RawAddress:
    """Text, or a pair of name and address; the extension checks the address."""
    if isinstance(raw, str) and raw.strip():
        return raw
    if isinstance(raw, (tuple, list)) and len(raw) == 2 and all(isinstance(p, str) for p in raw):
        return raw[0], raw[1]
    raise ValueError("an address such as 'Ada <ada@example.com>', or ('Ada', 'ada@example.com')")


CONFIG = (
    ConfigKey(
        "MAIL_BACKEND",
        "smtp",
        text,
        "Where mail goes: to a server, to standard output, to files, or to a list in memory "
        "(`mail.messages`).",
        choices=BACKENDS,
    ),
    ConfigKey("MAIL_SERVER", "127.0.0.1", text, "The host of the SMTP server."),
    ConfigKey(
        "MAIL_PORT", 25, integer(1), "Its port. Usual are 25, 587 with STARTTLS and 465 with TLS."
    ),
    ConfigKey(
        "MAIL_USE_TLS",
        False,
        boolean,
        "Whether the connection is encrypted by STARTTLS before anything else is sent. A server "
        "without it, or without a valid certificate, is refused.",
    ),
    ConfigKey(
        "MAIL_USE_SSL",
        False,
        boolean,
        "Whether the connection begins with TLS. A server without a valid certificate is refused.",
    ),
    ConfigKey("MAIL_USERNAME", None, text, "The user to sign in as. None is no sign-in."),
    ConfigKey("MAIL_PASSWORD", None, text, "The password of the user.", secret=True),
    ConfigKey(
        "MAIL_SSL_CAFILE",
        None,
        text,
        "A file of certificates to trust beside those of the system, for a server of your own.",
    ),
    ConfigKey(
        "MAIL_SSL_CERTFILE",
        None,
        text,
        "The certificate of this client, if the server asks for one.",
    ),
    ConfigKey("MAIL_SSL_KEYFILE", None, text, "The key of that certificate."),
    ConfigKey(
        "MAIL_TIMEOUT",
        30,
        seconds,
        "How long each step with the server may take: to connect, to sign in, and each command.",
        unit="seconds",
    ),
    ConfigKey("MAIL_DEFAULT_SENDER", None, address, "The sender of messages that name none."),
    ConfigKey("MAIL_SUBJECT_PREFIX", "", text, "Stands before every subject, such as `[Shop] `."),
    ConfigKey(
        "MAIL_MAX_EMAILS",
        None,
        integer(1),
        "After how many messages a connection is closed and opened again. None is no limit.",
    ),
    ConfigKey(
        "MAIL_SUPPRESS_SEND",
        None,
        boolean,
        "Whether messages are checked but not sent. None is the value of `TESTING`.",
    ),
    ConfigKey(
        "MAIL_ASCII_ATTACHMENTS",
        False,
        boolean,
        "Whether names of attachments lose what is not ASCII, for old mail programs.",
    ),
    ConfigKey(
        "MAIL_DEBUG",
        None,
        boolean,
        "Whether each message is logged at level INFO, not DEBUG. None is the value of `DEBUG`.",
    ),
    ConfigKey("MAIL_FILE_PATH", None, text, "The folder of the back end `file`, made if missing."),
    ConfigKey(
        "MAIL_OUTBOX_RELAY",
        None,
        boolean,
        "Whether the serving process sends the mail of the outbox; if not, `mail relay` does. "
        "None is true, except with `TESTING`.",
    ),
    ConfigKey(
        "MAIL_OUTBOX_POLL_SECONDS",
        5,
        seconds,
        "How often the relay looks for mail that another process has enqueued.",
        unit="seconds",
    ),
    ConfigKey(
        "MAIL_OUTBOX_LEASE_SECONDS",
        300,
        seconds,
        "How long a relay may take to send one message. After that another one sends it, as "
        "when a process was killed.",
        unit="seconds",
    ),
    ConfigKey(
        "MAIL_OUTBOX_RETRY_SECONDS",
        10,
        seconds,
        "The delay of the first retry. Each further delay is twice as long, with a random share.",
        unit="seconds",
    ),
    ConfigKey(
        "MAIL_OUTBOX_RETRY_MAX_SECONDS",
        3600,
        seconds,
        "The longest delay of a retry.",
        unit="seconds",
    ),
    ConfigKey(
        "MAIL_OUTBOX_GIVE_UP_SECONDS",
        3 * 24 * 3600,
        seconds,
        "The age at which a message that the server refuses for now is no longer retried.",
        unit="seconds",
    ),
)


@dataclass(slots=True)
class MailState:
    """The configuration of one app, checked, with the attributes of Flask-Mail's state."""

    rules = RULES  # of 'quarterdeck check'

    server: str
    port: int
    username: str | None
    password: str | None
    use_tls: bool
    use_ssl: bool
    default_sender: RawAddress | None
    subject_prefix: str
    debug: bool
    max_emails: int | None
    suppress: bool
    ascii_attachments: bool
    backend: Backend
    outbox: Outbox | None = None
    relay: Relay | None = None

    def measurements(self) -> Iterator[Measurement]:
        """Yield what the relay of this process has done, for the metrics."""
        if self.relay is None:
            return
        for name, about in COUNTED.items():
            value = getattr(self.relay.counts, name)
            yield Measurement(f"mail_{name}", about, value, is_counter=True)
        if (status := self.relay.status) is not None:
            for name, about in STANDING.items():
                value = getattr(status, name.removesuffix("_seconds"))
                yield Measurement(f"mail_outbox_{name}", about, value, is_shared=True)


STATE: ExtensionState[MailState] = ExtensionState("mail", "Mail")


def required(part: T | None) -> T:
    """Return the outbox or the relay of an app.

    Raises:
        OutboxMissingError: If it has none.
    """
    if part is None:
        raise OutboxMissingError
    return part
