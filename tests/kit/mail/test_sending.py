"""Sending through the back ends, against a real SMTP server."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
import trustme
from quart import Quart

from quarterdeck.exceptions import (
    AppContextMissingError,
    ConfigurationError,
    DeliveryError,
    InvalidMessageError,
    PermanentDeliveryError,
    RecipientsRefusedError,
    TemporaryDeliveryError,
)
from quarterdeck.mail import Backend, Envelope, Mail, Message, Transport, email_dispatched
from tests.servers import free_port
from tests.smtp import MailServer, mail_server

SENDER = "support@example.com"
TO = ["to@example.com"]
PATIENCE = {"MAIL_TIMEOUT": 20}

mail = Mail()


def make_app(server: MailServer | None = None, **config: Any) -> Quart:
    app = Quart(__name__)
    port = free_port() if server is None else server.port
    app.config.update({"MAIL_PORT": port, "MAIL_DEFAULT_SENDER": SENDER} | PATIENCE | config)
    mail.init_app(app)
    return app


@pytest.fixture(name="built")
def _built(smtp: MailServer, request: pytest.FixtureRequest) -> Quart:
    return make_app(smtp, **getattr(request, "param", {}))


@pytest.fixture
async def app(built: Quart) -> AsyncIterator[Quart]:
    async with built.app_context():
        yield built


@pytest.mark.feature("E1")
async def test_a_message_arrives(app: Quart, smtp: MailServer) -> None:
    message = Message(
        "Grüße", ["Ada <ada@example.com>"], "Line\n.\nEnd", "<p>", bcc=["b@example.com"]
    )
    message.attach("a.bin", data=bytes(range(256)) * 1000)

    with mail.record_messages() as recorded:
        await mail.send(message)

    assert recorded == [message]
    (received,) = smtp.received
    assert (received.sender, received.recipients) == (SENDER, ["ada@example.com", "b@example.com"])
    assert received.message["Message-ID"] == message.msgId
    assert received.message["Subject"] == "Grüße"
    body, attached = received.message.iter_parts()
    assert attached.get_content() == bytes(range(256)) * 1000
    assert next(body.iter_parts()).get_content().split() == ["Line", ".", "End"]


async def test_many_messages_on_one_connection(app: Quart, smtp: MailServer) -> None:
    async with mail.connect() as connection:
        for number in range(5):
            await connection.send_message(f"number {number}", TO, "text")
        await Message("the last", TO).send(connection)
        assert connection.num_emails == 6

    assert [each.message["Subject"] for each in smtp.received][-2:] == ["number 4", "the last"]
    assert smtp.connections == 1


@pytest.mark.parametrize("built", [{"MAIL_MAX_EMAILS": 2}], indirect=True)
async def test_a_connection_for_a_number_of_messages(app: Quart, smtp: MailServer) -> None:
    async with mail.connect() as connection:
        for _ in range(5):
            await connection.send_message("s", TO)
    assert (len(smtp.received), smtp.connections) == (5, 3)


async def test_send_message(app: Quart, smtp: MailServer) -> None:
    await mail.send_message(subject="testing", recipients=TO, body="test")
    (received,) = smtp.received
    assert (received.sender, received.message["Subject"]) == (SENDER, "testing")


@pytest.mark.parametrize("built", [{"TESTING": True, "MAIL_PORT": 1}], indirect=True)
async def test_nothing_is_sent_while_testing(app: Quart, smtp: MailServer) -> None:
    """The signal comes all the same, and a wrong message is refused."""
    with mail.record_messages() as recorded:
        async with mail.connect() as connection:
            for number in range(3):
                await connection.send_message(f"number {number}", TO)
            with pytest.raises(InvalidMessageError):
                await connection.send_message("no recipient")
    assert [message.subject for message in recorded] == ["number 0", "number 1", "number 2"]


@pytest.mark.parametrize("built", [{"TESTING": True, "MAIL_SUPPRESS_SEND": False}], indirect=True)
async def test_sending_while_testing(app: Quart, smtp: MailServer) -> None:
    await mail.send_message("s", TO)
    assert len(smtp.received) == 1


async def test_the_signal_and_the_app(app: Quart) -> None:
    seen = []

    async def note(sender: Any, message: Message) -> None:
        seen.append((sender, message.subject))

    with email_dispatched.connected_to(note, app):
        await mail.send_message("s", TO)
    assert seen == [(app, "s")]


async def test_a_wrong_message_opens_no_connection(app: Quart, smtp: MailServer) -> None:
    with pytest.raises(InvalidMessageError):
        await mail.send_message("s", ["nobody"])
    assert smtp.connections == 0


async def test_addresses_beyond_ascii(app: Quart, smtp: MailServer) -> None:
    await mail.send_message("s", ["Jörg <jörg@bücher.example>"])
    (received,) = smtp.received
    assert received.recipients == ["jörg@xn--bcher-kva.example"]
    assert "SMTPUTF8" in received.options


@pytest.mark.parametrize(
    ("step", "answer", "error"),
    [
        ("MAIL", "550 not you", PermanentDeliveryError),
        ("MAIL", "451 later", TemporaryDeliveryError),
        ("MAIL", "530 sign in first", TemporaryDeliveryError),
        ("RCPT", "550 unknown", RecipientsRefusedError),
        ("RCPT", "450 busy", RecipientsRefusedError),
        ("DATA", "554 spam", PermanentDeliveryError),
        ("DATA", "452 full", TemporaryDeliveryError),
        ("DATA", "drop", TemporaryDeliveryError),
    ],
)
async def test_what_the_server_refuses(
    app: Quart, smtp: MailServer, step: str, answer: str, error: type[DeliveryError]
) -> None:
    smtp.answers[step] = answer
    with mail.record_messages() as recorded, pytest.raises(error) as caught:
        await mail.send_message("s", TO)

    assert f"127.0.0.1:{smtp.port}" in str(caught.value)
    assert answer.partition(" ")[2] in str(caught.value)
    assert recorded == []
    if isinstance(caught.value, RecipientsRefusedError):
        assert caught.value.is_temporary == answer.startswith("4")


async def test_one_of_several_recipients_is_refused(app: Quart, smtp: MailServer) -> None:
    smtp.refused["b@example.com"] = "550 unknown"
    with pytest.raises(RecipientsRefusedError, match=r"b@example\.com: 550 unknown") as caught:
        await mail.send_message("s", ["a@example.com", "b@example.com"])
    assert list(caught.value.refused) == ["b@example.com"]
    assert [each.recipients for each in smtp.received] == [["a@example.com"]]


async def test_a_connection_goes_on_after_an_error(app: Quart, smtp: MailServer) -> None:
    async with mail.connect() as connection:
        for answer in ("550 no", "drop"):
            smtp.answers["DATA"] = answer
            with pytest.raises(DeliveryError):
                await connection.send_message("lost", TO)
        smtp.answers.clear()
        await connection.send_message("found", TO)
    assert [each.message["Subject"] for each in smtp.received] == ["found"]


@pytest.mark.parametrize("built", [{"MAIL_TIMEOUT": 0.2}], indirect=True)
@pytest.mark.parametrize("step", ["MAIL", "DATA"])
async def test_a_silent_server(app: Quart, smtp: MailServer, step: str) -> None:
    smtp.answers[step] = "silence"
    with pytest.raises(TemporaryDeliveryError, match=r"[Tt]imed out"):
        await mail.send_message("s", TO)


async def test_no_server() -> None:
    app = Quart(__name__)
    app.config.update(MAIL_PORT=free_port(), MAIL_DEFAULT_SENDER=SENDER)
    other = Mail(app)
    async with app.app_context():
        with pytest.raises(TemporaryDeliveryError, match="Try again later"):
            await other.send_message("s", TO)


async def test_a_server_that_knows_no_utf8() -> None:
    with mail_server(utf8=False) as server:
        app = make_app(server)
        async with app.app_context():
            with pytest.raises(PermanentDeliveryError, match="SMTPUTF8"):
                await mail.send_message("s", ["jörg@example.com"])


@dataclass(frozen=True)
class Certificates:
    """Contexts of a server that presents a right and a wrong certificate."""

    authority: str
    right: ssl.SSLContext
    wrong: ssl.SSLContext


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    authority = trustme.CA()
    file = tmp_path_factory.mktemp("certificates") / "authority.pem"
    authority.cert_pem.write_to_path(str(file))

    def context(name: str) -> ssl.SSLContext:
        made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(name).configure_cert(made)
        return made

    return Certificates(str(file), context("127.0.0.1"), context("other.example"))


@pytest.fixture(params=["MAIL_USE_SSL", "MAIL_USE_TLS"])
def key(request: pytest.FixtureRequest) -> str:
    """The two ways to encrypt a connection."""
    return str(request.param)


def encrypted(key: str, context: ssl.SSLContext) -> dict[str, Any]:
    return {"tls" if key == "MAIL_USE_SSL" else "starttls": context}


@pytest.fixture(name="trusting")
def _trusting(key: str, certificates: Certificates) -> Iterator[tuple[MailServer, Quart]]:
    with mail_server(**encrypted(key, certificates.right)) as server:
        yield server, make_app(server, **{key: True, "MAIL_SSL_CAFILE": certificates.authority})


@pytest.mark.feature("E1")
async def test_an_encrypted_connection(trusting: tuple[MailServer, Quart]) -> None:
    server, app = trusting
    async with app.app_context():
        await mail.send_message("s", TO)
    assert len(server.received) == 1


@pytest.fixture(name="mistrusting", params=["wrong name", "unknown authority"])
def _mistrusting(
    key: str, certificates: Certificates, request: pytest.FixtureRequest
) -> Iterator[tuple[MailServer, Quart]]:
    is_wrong = request.param == "wrong name"
    config = {key: True} | ({"MAIL_SSL_CAFILE": certificates.authority} if is_wrong else {})
    context = certificates.wrong if is_wrong else certificates.right
    with mail_server(**encrypted(key, context)) as server:
        yield server, make_app(server, **config)


@pytest.mark.hazard("Flask-Mail does not verify certificates")
async def test_a_wrong_certificate(mistrusting: tuple[MailServer, Quart]) -> None:
    server, app = mistrusting
    async with app.app_context():
        with pytest.raises(TemporaryDeliveryError, match="certificate"):
            await mail.send_message("s", TO)
    assert server.received == []


@pytest.mark.parametrize("built", [{"MAIL_USE_TLS": True}], indirect=True)
async def test_a_server_without_starttls(app: Quart, smtp: MailServer) -> None:
    with pytest.raises(TemporaryDeliveryError, match="STARTTLS"):
        await mail.send_message("s", TO)
    assert smtp.received == []


@pytest.mark.parametrize("password", ["right", "wrong"])
async def test_signing_in(password: str, certificates: Certificates) -> None:
    with mail_server(password="right", starttls=certificates.right) as server:
        keys = {"MAIL_USE_TLS": True, "MAIL_SSL_CAFILE": certificates.authority}
        app = make_app(server, MAIL_USERNAME="ada", MAIL_PASSWORD=password, **keys)
        async with app.app_context():
            if password == "right":
                await mail.send_message("s", TO)
            else:
                with pytest.raises(TemporaryDeliveryError, match="535"):
                    await mail.send_message("s", TO)
        assert len(server.received) == (password == "right")


@pytest.mark.parametrize("built", [{"MAIL_BACKEND": "memory"}], indirect=True)
async def test_mail_in_memory(app: Quart, smtp: MailServer) -> None:
    await mail.send_message("s", TO)
    assert [envelope.subject for envelope in mail.messages] == ["s"]
    assert smtp.connections == 0


@pytest.mark.parametrize("built", [{"MAIL_BACKEND": "console"}], indirect=True)
async def test_mail_on_the_console(app: Quart, capsys: pytest.CaptureFixture[str]) -> None:
    await mail.send_message("s", TO, "the body")
    assert "Subject: s\n" in (shown := capsys.readouterr().out)
    assert "\nthe body\n" in shown


@pytest.fixture(name="filing")
def _filing(tmp_path: Path) -> Quart:
    return make_app(MAIL_BACKEND="file", MAIL_FILE_PATH=str(tmp_path / "sent"))


async def test_mail_in_files(filing: Quart, tmp_path: Path) -> None:
    async with filing.app_context():
        message = Message("s", TO)
        for _ in range(2):
            await mail.send(message)
        await mail.send_message("other", TO)
    files = list((tmp_path / "sent").iterdir())
    subjects = sorted(message_from_bytes(file.read_bytes())["Subject"] for file in files)
    assert subjects == ["other", "s"]
    assert (tmp_path / "sent").stat().st_mode & 0o077 == 0


async def test_files_that_cannot_be_written(filing: Quart, tmp_path: Path) -> None:
    (tmp_path / "sent").write_text("in the way")
    async with filing.app_context():
        with pytest.raises(TemporaryDeliveryError, match="sent"):
            await mail.send_message("s", TO)


async def test_a_backend_of_ones_own() -> None:
    class Pigeons(Backend, Transport):
        carried: list[Envelope] = []

        async def connect(self) -> Transport:
            return self

        async def deliver(self, envelope: Envelope) -> None:
            self.carried.append(envelope)

    app = Quart(__name__)
    other = Mail(app, backend=Pigeons())
    async with app.app_context():
        await other.send_message("s", TO, sender=SENDER)
        assert other.messages == []
    assert [each.subject for each in Pigeons.carried] == ["s"]


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"MAIL_USE_TLS": True, "MAIL_USE_SSL": True}, "MAIL_USE_TLS"),
        ({"MAIL_DEFAULT_SENDER": "nobody"}, "MAIL_DEFAULT_SENDER"),
        ({"MAIL_DEFAULT_SENDER": 7}, "MAIL_DEFAULT_SENDER"),
        ({"MAIL_BACKEND": "pigeons"}, "MAIL_BACKEND"),
        ({"MAIL_BACKEND": "file"}, "MAIL_FILE_PATH"),
        ({"MAIL_PORT": "many"}, "MAIL_PORT"),
        ({"MAIL_MAX_EMAILS": 0}, "MAIL_MAX_EMAILS"),
    ],
)
def test_configuration_that_cannot_work(config: dict[str, Any], named: str) -> None:
    app = Quart(__name__)
    app.config.update(config)
    with pytest.raises(ConfigurationError, match=f"^'{named}'"):
        Mail(app)


def test_the_state_of_an_app() -> None:
    app = make_app(MAIL_DEFAULT_SENDER=("Ada", "ada@example.com"), MAIL_USERNAME="u")
    state = app.extensions["mail"]
    assert (state.default_sender, state.username) == (("Ada", "ada@example.com"), "u")
    assert (state.server, state.use_tls, state.suppress) == ("127.0.0.1", False, False)


async def test_outside_of_an_app() -> None:
    with pytest.raises(AppContextMissingError, match="'Mail'"):
        await mail.send_message("s", TO, sender=SENDER)
