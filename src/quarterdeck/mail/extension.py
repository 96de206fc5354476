"""The ``Mail`` extension."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from quart import Quart, current_app

from quarterdeck._quart import stop_first, unwrap
from quarterdeck._unawaited import check_at_the_end, noted
from quarterdeck.config import read
from quarterdeck.exceptions import ConfigurationError, InvalidMessageError, OutboxMissingError

from .addresses import parse
from .backends.base import Backend
from .backends.console import ConsoleBackend
from .backends.file import FileBackend
from .backends.memory import MemoryBackend
from .backends.smtp import SMTPBackend
from .cli import commands
from .config import CONFIG, STATE, MailState, required
from .connection import Connection
from .envelope import Envelope
from .message import Message
from .outbox import Outbox
from .relay import Relay, RelayCounts, RelaySettings
from .signals import announce, email_dispatched, email_enqueued

if TYPE_CHECKING:
    from sqlalchemy import MetaData
    from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession


class Database(Protocol):
    """What the outbox uses of a database; ``quarterdeck.sqlalchemy.SQLAlchemy`` has it."""

    @property
    def metadata(self) -> MetaData: ...

    @property
    def engine(self) -> AsyncEngine: ...

    @property
    def session(self) -> AsyncSession: ...


class Mail:
    """Sends mail, at once or through the outbox.

    Args:
        app: Initialise for this app at once.
        db: The database of the outbox. Its metadata gets the table ``mail_outbox``, so that
            migrations make it.
        backend: A back end of your own, instead of that of ``MAIL_BACKEND``.
    """

    def __init__(
        self,
        app: Quart | None = None,
        *,
        db: Database | None = None,
        backend: Backend | None = None,
    ) -> None:
        self._db = db
        self._backend = backend
        self._outbox: Outbox | None = None
        if db is not None:
            from .sqlalchemy import SQLAlchemyOutbox, outbox_table

            self._outbox = SQLAlchemyOutbox(lambda: db.engine, outbox_table(db.metadata))
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Quart) -> None:
        """Read the configuration; nothing connects yet.

        With an outbox, add the ``mail`` commands, and the relay to the serving process.

        Raises:
            ConfigurationError: If a ``MAIL_*`` key cannot work.
            ExtensionAlreadyInitializedError: If the app has Mail already.
        """
        STATE.refuse_second(app)
        config = read(app, CONFIG)
        state = _make_state(config, app, self._backend or _make_backend(config, app))
        if self._outbox is not None:
            state.outbox = self._outbox
            state.relay = Relay(app, state, self._outbox, RelaySettings.of(config))
            app.cli.add_command(commands)
            is_wanted = config["MAIL_OUTBOX_RELAY"]
            if not app.testing if is_wanted is None else is_wanted:
                app.before_serving(state.relay.start)
                stop_first(app, state.relay.stop)
        STATE.attach(app, state)
        check_at_the_end(app)

    @noted("mail")
    async def send(self, message: Message) -> None:
        """Send a message now, over a connection of its own.

        The caller waits for the server; ``enqueue`` does not.

        Raises:
            InvalidMessageError: If the message cannot be sent; nothing was sent.
            DeliveryError: If the server did not take it, or not for all recipients.
            NotAwaitedError: At the end of the request, without ``await``.
        """
        message.envelope()  # before a connection is made
        async with self.connect() as connection:
            await connection.send(message)

    @noted("mail")
    async def send_message(self, *args: Any, **options: Any) -> None:
        """Send a message made of the arguments of ``Message``; see ``send``."""
        await self.send(Message(*args, **options))

    def connect(self) -> Connection:
        """Return a connection for many messages: ``async with mail.connect() as connection:``."""
        app = _current_app()
        return Connection(app, STATE.get(app))

    @noted("mail")
    async def enqueue(self, message: Message, *, session: AsyncSession | None = None) -> None:
        """Write a message into the outbox, in the transaction of the caller.

        It is sent after the commit, and only then. Nothing waits for the mail server.

        Args:
            message: Checked now, so that a wrong address is an error here.
            session: The db session of the transaction; ``db.session`` if not given.

        Raises:
            InvalidMessageError: If the message cannot be sent.
            OutboxMissingError: If there is no ``Mail(db=...)``.
            NotAwaitedError: At the end of the request, without ``await``.
        """
        app = _current_app()
        state = STATE.get(app)
        if self._db is None or state.outbox is None:
            raise OutboxMissingError
        session = self._db.session if session is None else session
        await state.outbox.add(session, message.envelope())
        after_commit = getattr(session, "after_commit", None)
        if after_commit is not None:  # a session of SQLAlchemy's own class has none
            after_commit(lambda: _enqueued(app, state, message))

    @contextmanager
    def record_messages(self) -> Iterator[list[Message]]:
        """Record the messages that the block sends, or enqueues and commits.

        In a test::

            with mail.record_messages() as messages:
                await client.post("/register", form=form)
            assert messages[0].subject == "Welcome"
        """
        messages: list[Message] = []

        async def record(_app: Quart, message: Message) -> None:
            messages.append(message)

        with email_dispatched.connected_to(record), email_enqueued.connected_to(record):
            yield messages

    @property
    def messages(self) -> list[Envelope]:
        """The messages in the back end ``memory`` of the current app; empty for another one."""
        backend = STATE.get().backend
        return backend.messages if isinstance(backend, MemoryBackend) else []

    @property
    def state(self) -> MailState:
        """The configuration of the current app."""
        return STATE.get()

    @property
    def outbox(self) -> Outbox:
        """The outbox of the current app, to list, retry and purge its mail.

        Raises:
            OutboxMissingError: If there is no ``Mail(db=...)``.
        """
        return required(STATE.get().outbox)

    @property
    def relay(self) -> Relay:
        """The relay of the current app, which runs while it serves.

        Raises:
            OutboxMissingError: If there is no ``Mail(db=...)``.
        """
        return required(STATE.get().relay)

    @property
    def counts(self) -> RelayCounts:
        """What the relay of this process has done since it started."""
        return self.relay.counts


def _current_app() -> Quart:
    STATE.get()  # raises the right error where no app is current
    return unwrap(current_app)


async def _enqueued(app: Quart, state: MailState, message: Message) -> None:
    if state.relay is not None:
        state.relay.wake()
    await announce(email_enqueued, app, message=message)


def _make_state(config: Mapping[str, Any], app: Quart, backend: Backend) -> MailState:
    if config["MAIL_USE_TLS"] and config["MAIL_USE_SSL"]:
        raise ConfigurationError(
            "MAIL_USE_TLS",
            "and 'MAIL_USE_SSL' are both on",
            "Keep MAIL_USE_TLS for STARTTLS (port 587), or MAIL_USE_SSL for TLS (port 465).",
        )
    sender = config["MAIL_DEFAULT_SENDER"]
    try:
        if sender is not None:
            parse("MAIL_DEFAULT_SENDER", sender)
    except InvalidMessageError as error:
        raise ConfigurationError(
            "MAIL_DEFAULT_SENDER", f"is {sender!r}, which is no address", "Correct it."
        ) from error
    debug, suppress = config["MAIL_DEBUG"], config["MAIL_SUPPRESS_SEND"]
    return MailState(
        server=config["MAIL_SERVER"],
        port=config["MAIL_PORT"],
        username=config["MAIL_USERNAME"],
        password=config["MAIL_PASSWORD"],
        use_tls=config["MAIL_USE_TLS"],
        use_ssl=config["MAIL_USE_SSL"],
        default_sender=sender,
        subject_prefix=config["MAIL_SUBJECT_PREFIX"],
        debug=app.debug if debug is None else debug,
        max_emails=config["MAIL_MAX_EMAILS"],
        suppress=app.testing if suppress is None else suppress,
        ascii_attachments=config["MAIL_ASCII_ATTACHMENTS"],
        backend=backend,
    )


def _make_backend(config: Mapping[str, Any], app: Quart) -> Backend:
    match config["MAIL_BACKEND"]:
        case "console":
            return ConsoleBackend()
        case "memory":
            return MemoryBackend()
        case "file":
            folder = config["MAIL_FILE_PATH"]
            if folder is None:
                raise ConfigurationError(
                    "MAIL_FILE_PATH", "is not set", "MAIL_BACKEND 'file' needs a folder."
                )
            return FileBackend(Path(app.root_path) / folder)
        case _:
            return SMTPBackend(config)
