"""An SMTP server in a thread of the test process, which tests can make fail in every step."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.servers import free_port

WAIT_SECONDS = 30.0


@dataclass(frozen=True)
class Received:
    """A mail that the server has accepted."""

    sender: str
    recipients: list[str]
    options: list[str]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=modern)


class MailServer:
    """Accepts mail at ``port``, unless told otherwise.

    Attributes:
        received: Accepted mail, the oldest first.
        answers: The answer to a command (MAIL, RCPT, DATA) until it is removed; ``drop`` closes
            the connection without accepting, ``drop-after`` after accepting, and ``silence``
            never answers.
        refused: Answers to RCPT by address.
        connections: How many clients have connected.
        troubled: The commands that got one of ``answers``.
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        starttls: ssl.SSLContext | None = None,
        password: str | None = None,
        utf8: bool = True,
    ) -> None:
        self.port = free_port()
        self.received: list[Received] = []
        self.answers: dict[str, str] = {}
        self.refused: dict[str, str] = {}
        self.connections = 0
        self.troubled: list[str] = []
        self._tls = tls
        self._options: dict[str, Any] = {"enable_SMTPUTF8": utf8, "tls_context": starttls}
        if password is not None:
            self._options["authenticator"] = _authenticator(password)
            self._options["auth_required"] = True  # which needs TLS
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    def start(self) -> None:
        """Accept connections from now on."""
        ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(WAIT_SECONDS)

    def stop(self) -> None:
        """Close all connections; new ones are refused."""
        if self._thread is not None:
            assert self._loop is not None
            assert self._stop is not None
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(WAIT_SECONDS)
            self._thread = None

    def wait_for(self, count: int, seconds: float = WAIT_SECONDS) -> list[Received]:
        """Block until so many mails were accepted, and return them all."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.received) >= count, seconds), (
                f"{len(self.received)} mails after {seconds} s, not {count}"
            )
            return list(self.received)

    def wait_for_trouble(self, count: int = 1, seconds: float = WAIT_SECONDS) -> None:
        """Block until so many commands got one of ``answers``."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.troubled) >= count, seconds)

    def _serve(self, ready: threading.Event) -> None:
        asyncio.run(self._run(ready))

    async def _run(self, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        clients: list[SMTP] = []

        def connect() -> SMTP:
            client = SMTP(_Handler(self), loop=self._loop, hostname="test", **self._options)
            clients.append(client)
            self.note(lambda: setattr(self, "connections", self.connections + 1))
            return client

        server = await self._loop.create_server(connect, "127.0.0.1", self.port, ssl=self._tls)
        ready.set()
        await self._stop.wait()
        server.close()
        for client in clients:
            _abort(client)
        await asyncio.sleep(0)
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def note(self, change: Any) -> None:
        with self._changed:
            change()
            self._changed.notify_all()


class _Handler:
    def __init__(self, server: MailServer) -> None:
        self._server = server

    async def handle_MAIL(
        self, smtp: SMTP, _s: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := await self._answer("MAIL", smtp):
            return answer
        envelope.mail_from = address
        envelope.mail_options = [*envelope.mail_options, *options]
        return "250 OK"

    async def handle_RCPT(
        self, smtp: SMTP, _s: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = self._server.refused.get(address) or await self._answer("RCPT", smtp)
        if answer:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, smtp: SMTP, _s: Session, envelope: Envelope) -> str:
        if answer := await self._answer("DATA", smtp, envelope):
            return answer
        self._accept(envelope)
        return "250 OK"

    def _accept(self, envelope: Envelope) -> None:
        assert isinstance(envelope.content, bytes)
        mail = Received(
            envelope.mail_from or "",
            list(envelope.rcpt_tos),
            list(envelope.mail_options),
            envelope.content,
        )
        self._server.note(lambda: self._server.received.append(mail))

    async def _answer(self, step: str, smtp: SMTP, envelope: Envelope | None = None) -> str | None:
        answer = self._server.answers.get(step)
        if answer:
            self._server.note(lambda: self._server.troubled.append(step))
        if answer == "silence":
            await asyncio.Event().wait()
        if answer in {"drop", "drop-after"}:
            if answer == "drop-after" and envelope is not None:
                self._accept(envelope)
            _abort(smtp)
            await asyncio.Event().wait()
        return answer


def _abort(client: SMTP) -> None:
    if isinstance(client.transport, asyncio.Transport):
        client.transport.abort()


def _authenticator(password: str) -> Any:
    def check(
        _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any
    ) -> AuthResult:
        right = isinstance(data, LoginPassword) and data.password == password.encode()
        return AuthResult(success=right, handled=False)

    return check


@contextmanager
def mail_server(**options: Any) -> Iterator[MailServer]:
    """Serve until the end of the block."""
    server = MailServer(**options)
    server.start()
    try:
        yield server
    finally:
        server.stop()
