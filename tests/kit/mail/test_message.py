"""Messages: what they hold, how they are written, and what is refused."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from typing import Any

import pytest
from jinja2 import DictLoader, TemplateNotFound
from quart import Quart

from quarterdeck.exceptions import BadHeaderError, InvalidAddressError, InvalidMessageError
from quarterdeck.mail import Attachment, Mail, Message

TO = ["to@example.com"]


@pytest.fixture(name="built")
def _built() -> Quart:
    app = Quart(__name__)
    app.config.update(TESTING=True, MAIL_DEFAULT_SENDER="support@example.com")
    Mail(app)
    return app


@pytest.fixture(autouse=True)
async def app(built: Quart) -> AsyncIterator[Quart]:
    async with built.app_context():
        yield built


def parsed(message: Message) -> EmailMessage:
    """The message as a mail program reads it."""
    return message_from_bytes(message.as_bytes(), policy=modern)


def text_of(part: Any) -> str:
    content = part.get_content()
    assert isinstance(content, str)
    return content


@pytest.mark.feature("E1")
def test_a_plain_message() -> None:
    message = Message("subject", TO, body="Hello Joe,\nHow are you?")

    mail = parsed(message)
    assert (mail["Subject"], mail["From"], mail["To"]) == ("subject", "support@example.com", TO[0])
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content_charset() == "utf-8"
    assert b"Hello Joe,\r\nHow are you?" in message.as_bytes()
    assert str(message) == message.as_string() == bytes(message).decode()


def test_recipients_are_added() -> None:
    message = Message("subject")
    assert message.recipients == []
    message.add_recipient("somebody@example.com")
    assert message.recipients == ["somebody@example.com"]


def test_every_recipient_counts_once() -> None:
    message = Message("subject", ["a@example.com"], cc=["c@example.com"], bcc=["b@example.com"])
    assert message.send_to == {"a@example.com", "b@example.com", "c@example.com"}

    message.add_recipient("Carla <c@example.com>")
    assert sorted(message.envelope().recipients) == [
        "a@example.com",
        "b@example.com",
        "c@example.com",
    ]


def test_options_of_the_protocol() -> None:
    message = Message("s", TO, mail_options=["BODY=8BITMIME"], rcpt_options=["NOTIFY=SUCCESS"])
    envelope = message.envelope()
    assert (envelope.mail_options, envelope.rcpt_options) == (["BODY=8BITMIME"], ["NOTIFY=SUCCESS"])
    assert Message("s").mail_options == Message("s").rcpt_options == []


def test_a_sender_as_a_pair() -> None:
    message = Message("s", TO, sender=("Anker, Ada", "ada@example.com"))
    assert message.sender == "Anker, Ada <ada@example.com>"
    address = parsed(message)["From"].addresses[0]
    assert (address.display_name, address.addr_spec) == ("Anker, Ada", "ada@example.com")
    assert message.envelope().sender == "ada@example.com"


def test_the_default_sender_as_a_pair(app: Quart) -> None:
    app.extensions["mail"].default_sender = ("tester", "tester@example.com")
    assert Message("s").sender == "tester <tester@example.com>"


def test_bounces_go_elsewhere() -> None:
    assert Message("s", TO).envelope("Bounces <bounce@example.com>").sender == "bounce@example.com"


def test_cc_is_seen_and_bcc_is_not() -> None:
    message = Message("s", TO, body="b", cc=["cc@example.com"], bcc=["secret@example.com"])
    assert parsed(message)["Cc"] == "cc@example.com"
    assert b"secret" not in message.as_bytes()
    assert "secret@example.com" in message.envelope().recipients


def test_bcc_alone() -> None:
    message = Message("s", bcc=["secret@example.com"])
    assert b"secret" not in message.as_bytes()
    assert parsed(message)["To"] == "undisclosed-recipients:;"


def test_reply_to() -> None:
    assert (
        parsed(Message("s", TO, reply_to="Eve <eve@example.com>"))["Reply-To"]
        == "Eve <eve@example.com>"
    )


@pytest.mark.hazard("Flask-Mail takes line breaks in addresses and only checks some headers")
@pytest.mark.parametrize(
    "arguments",
    [
        {"subject": "testing\r\nBcc: evil@example.com"},
        {"subject": "testing\r\n"},
        {"subject": "testing\n\r"},
        {"subject": "testing\r\n testing\r\n "},
        {"subject": "testing\r\n testing\r\n\t"},
        {"subject": "testing\r\n testing\r\n\n"},
        {"sender": "from@example.com\r\n"},
        {"sender": ("Ada\nBcc: evil@example.com", "from@example.com")},
        {"reply_to": "evil@example.com\r"},
        {"recipients": ["to@example.com", "to\r\n@example.com"]},
        {"cc": ["Ada\r\n <cc@example.com>"]},
        {"bcc": ["b\x00@example.com"]},
        {"extra_headers": {"X-Test": "a\r\nBcc: evil@example.com"}},
        {"extra_headers": {"X-Test: a\r\nBcc": "evil@example.com"}},
        {"attachments": [Attachment("a\r\nX: y.txt", "text/plain", b"a")]},
        {"attachments": [Attachment("a.txt", "text/plain", b"a", headers={"X": "a\nb"})]},
        {"attachments": [Attachment("a.txt", "text/plain", b"a", "inline\r\nX: y")]},
    ],
)
def test_no_header_is_injected(arguments: dict[str, Any]) -> None:
    message = Message(**{"subject": "s", "recipients": TO} | arguments)
    with pytest.raises(BadHeaderError, match="control character"):
        message.envelope()


def test_bad_headers_can_be_asked_for() -> None:
    assert Message("a\nb").has_bad_headers()
    assert Message("a", ["a\n@example.com"]).has_bad_headers()
    assert not Message("a\r\n b", TO).has_bad_headers()


def test_a_folded_subject_is_one_line() -> None:
    message = Message("testing\r\n testing\r\n testing \r\n \ttesting", TO)
    assert parsed(message)["Subject"].split() == ["testing"] * 4


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("recipients", ["nobody"]),
        ("recipients", ["a@example.com, b@example.com"]),
        ("recipients", ["a@b@example.com"]),
        ("recipients", ["Ada <a@example.com>>"]),
        ("recipients", [("Ada", "a@example.com>")]),
        ("recipients", [7]),
        ("cc", [""]),
        ("bcc", ["a@"]),
        ("sender", "@example.com"),
        ("reply_to", "a b@example.com"),
    ],
)
def test_a_wrong_address_is_named(field: str, value: Any) -> None:
    message = Message(**{"subject": "s", "recipients": TO, field: value})
    with pytest.raises(InvalidAddressError, match=f"^'{field}' is .*Write it like"):
        message.envelope()


def test_one_text_is_no_list_of_recipients() -> None:
    with pytest.raises(InvalidMessageError, match="Give a list"):
        Message("s", "to@example.com")


@pytest.mark.parametrize("field", ["recipients", "sender"])
def test_what_is_missing_is_named(app: Quart, field: str) -> None:
    app.extensions["mail"].default_sender = None
    given: dict[str, Any] = {"recipients": TO, "sender": "a@example.com"} | {field: None}
    with pytest.raises(InvalidMessageError, match=f"^'{field}' "):
        Message("s", **given).envelope()


def test_attachments() -> None:
    message = Message("s", TO, body="hello")
    message.attach(data=b"this is a test", content_type="text/plain")
    message.attach("test doc.txt", data="Grüße")
    message.attach("unknown.zzz", data=b"\x00")

    attached = message.attachments[0]
    assert (attached.filename, attached.disposition) == (None, "attachment")
    mail = parsed(message)
    assert mail.get_content_type() == "multipart/mixed"
    body, first, second, third = mail.iter_parts()
    assert text_of(body) == "hello"
    assert (text_of(first), text_of(second)) == ("this is a test", "Grüße")
    assert second.get_filename() == "test doc.txt"
    assert third.get_content_type() == "application/octet-stream"


@pytest.mark.parametrize(
    ("is_ascii", "name"), [(False, "ünicöde ←→ ✓.txt"), (True, "unicode .txt")]
)
def test_names_of_attachments(app: Quart, is_ascii: bool, name: str) -> None:
    app.extensions["mail"].ascii_attachments = is_ascii
    message = Message("s", TO, body="hello")
    message.attach("ünicöde ←→ ✓.txt", "text/plain", b"this is a test")

    assert [part.get_filename() for part in parsed(message).iter_attachments()] == [name]


def test_an_attachment_without_data() -> None:
    with pytest.raises(InvalidMessageError, match="data"):
        Attachment("a.txt")


def test_html_with_a_plain_text_and_attachments() -> None:
    message = Message("s", TO, body="Hello World", html="<p>Hello World</p>")
    message.attach("a.txt", data=b"this is a test")

    assert message.html == "<p>Hello World</p>"
    mail = parsed(message)
    alternative, attached = mail.iter_parts()
    assert alternative.get_content_type() == "multipart/alternative"
    plain, html = alternative.iter_parts()
    assert (text_of(plain), text_of(html)) == ("Hello World", "<p>Hello World</p>")
    assert text_of(attached) == "this is a test"


def test_html_alone_and_other_alternatives() -> None:
    assert parsed(Message("s", TO, html="<p>")).get_content_type() == "multipart/alternative"
    message = Message("s", TO, alts={"json": "{}"})
    assert message.alts == {"json": "{}"}
    assert [p.get_content_type() for p in parsed(message).iter_parts()] == [
        "text/plain",
        "text/json",
    ]
    message.html = "<p>"
    message.html = None
    assert "html" not in message.alts


def test_an_image_in_the_html() -> None:
    message = Message("s", TO, body="plain")
    url = message.embed("logo.png", b"\x89PNG")
    message.html = f'<img src="{url}">'

    related = parsed(message)
    assert related.get_content_type() == "multipart/related"
    alternative, image = related.iter_parts()
    assert alternative.get_content_type() == "multipart/alternative"
    assert image["Content-ID"] == f"<{url.removeprefix('cid:')}>"
    assert (image.get_content_type(), image.get_content()) == ("image/png", b"\x89PNG")


def test_the_date() -> None:
    at = 1_764_000_000
    assert parsed(Message("s", TO, date=at))["Date"].datetime.timestamp() == at

    message = Message("s", TO)
    before = int(time.time())
    message.as_bytes()
    assert message.date is not None
    assert before <= message.date <= time.time()


def test_the_message_id() -> None:
    one, other = Message("s", TO), Message("s", TO, sender="Ada <ada@ships.example>")
    assert re.fullmatch(r"<\S+@example\.com>", one.msgId)
    assert other.msgId.endswith("@ships.example>")
    assert parsed(one)["Message-ID"] == one.msgId == one.envelope().message_id


@pytest.mark.parametrize("name", ["ÄÜÖ → ✓", "Ådne, «the» Anker", 'Quotes " and \\ too'])
def test_names_beyond_ascii(name: str) -> None:
    people = [(name, f"t{number}@example.com") for number in range(3)]
    message = Message("s", people, sender=(name, "from@example.com"), cc=[(name, "c@example.com")])

    mail = parsed(message)
    assert message.as_bytes().isascii()
    assert max(map(len, message.as_bytes().split(b"\r\n"))) <= 998
    shown = [(each.display_name, each.addr_spec) for each in mail["To"].addresses]
    assert shown == people
    assert mail["From"].addresses[0].display_name == mail["Cc"].addresses[0].display_name == name


def test_a_subject_beyond_ascii_and_a_prefix(app: Quart) -> None:
    app.extensions["mail"].subject_prefix = "[Shop] "
    message = Message("sübject " * 20, TO)
    assert parsed(message)["Subject"].rstrip() == ("[Shop] " + "sübject " * 20).rstrip()
    assert message.subject == "sübject " * 20


def test_without_a_subject() -> None:
    assert "Subject" not in parsed(Message(recipients=TO, body="text"))


def test_further_headers() -> None:
    mail = parsed(Message("s", TO, extra_headers={"X-Extra-Header": "Yes", "X-Other": "Grüße"}))
    assert (mail["X-Extra-Header"], mail["X-Other"]) == ("Yes", "Grüße")


def test_a_header_that_has_an_argument() -> None:
    message = Message("s", TO, extra_headers={"BCC": "secret@example.com"})
    with pytest.raises(InvalidMessageError, match="Use the argument"):
        message.envelope()


@pytest.mark.parametrize(
    ("charset", "body", "used"),
    [
        (None, "normal ascii text", "utf-8"),
        (None, "ünicöde ←→ ✓", "utf-8"),
        ("utf-8", "内容", "utf-8"),
        ("us-ascii", "normal ascii text", "us-ascii"),
        ("us-ascii", "ünicöde", "utf-8"),  # which it cannot hold
        ("iso-8859-1", "ünicöde", "iso-8859-1"),
        ("shift_jis", "内容", "iso-2022-jp"),
        ("klingon", "text", "utf-8"),
        (None, "x" * 3000, "utf-8"),  # longer than a line may be
        (None, "Grüße " * 500, "utf-8"),
    ],
)
def test_charsets(charset: str | None, body: str, used: str) -> None:
    message = Message("s", TO, body=body, html=body, charset=charset)
    mail = parsed(message)

    for part in mail.iter_parts():
        assert part.get_content_charset() == used
        assert text_of(part).rstrip("\n") == body
    assert max(map(len, message.as_bytes().split(b"\r\n"))) <= 998


def test_headers_in_the_charset_of_the_message() -> None:
    message = Message("表題", TO, sender=("送信者", "from@example.com"), charset="shift_jis")
    text = message.as_string()
    assert "Subject: =?iso-2022-jp?" in text
    assert "From: =?iso-2022-jp?" in text
    assert parsed(message)["Subject"] == "表題"


def test_a_domain_beyond_ascii_is_written_in_ascii() -> None:
    envelope = Message("s", ["ada@bücher.example"]).envelope()
    assert envelope.recipients == ["ada@xn--bcher-kva.example"]
    assert envelope.content.isascii()
    assert envelope.mail_options == []


def test_a_local_part_beyond_ascii_needs_smtputf8() -> None:
    envelope = Message("s", [("Jörg", "jörg@bücher.example")]).envelope()
    assert envelope.recipients == ["jörg@xn--bcher-kva.example"]
    assert envelope.mail_options == ["SMTPUTF8", "BODY=8BITMIME"]
    assert "jörg@xn--bcher-kva.example".encode() in envelope.content


async def test_bodies_from_a_pair_of_templates(app: Quart) -> None:
    app.jinja_loader = None
    app.jinja_env.loader = DictLoader(
        {"hello.txt": "Hello {{ name }}", "hello.html": "<p>{{ name }}</p>", "plain.txt": "plain"}
    )
    message = await Message("s", TO).render("hello", name="A & B")
    assert (message.body, message.html) == ("Hello A & B", "<p>A &amp; B</p>")

    assert (await Message("s", TO).render("plain")).html is None
    with pytest.raises(TemplateNotFound):
        await Message("s", TO).render("missing")


def test_outside_of_an_app() -> None:
    """In a thread, no app is current."""
    with ThreadPoolExecutor() as pool:
        made = pool.submit(lambda: Message("s", TO, sender="a@example.com").as_bytes()).result()
    assert b"From: a@example.com" in made
