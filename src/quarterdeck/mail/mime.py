"""The bytes of a message: headers and parts as RFC 5322 and MIME want them.

Texts are 7 bit or quoted-printable, so every server takes them. Only addresses whose local part
is not ASCII put raw UTF-8 into headers (RFC 6532), for servers with SMTPUTF8.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from email import policy
from email.charset import QP, Charset
from email.encoders import encode_base64
from email.message import Message as Part
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import formatdate
from typing import TYPE_CHECKING

from quarterdeck._propagation import trace_headers
from quarterdeck.exceptions import BadHeaderError, InvalidMessageError

from .addresses import CONTROL, Address, encoded, parse

if TYPE_CHECKING:
    from .message import Attachment, Message

UTF8_OPTIONS = ("SMTPUTF8", "BODY=8BITMIME")
MAX_LINE = 990  # of 998 bytes in RFC 5322
POLICY = policy.compat32.clone(linesep="\r\n")
# Headers that arguments of a message set. 'Bcc' would tell its addresses to all recipients.
OWN_HEADERS = {"bcc", "cc", "date", "from", "message-id", "reply-to", "subject", "to"}
OWN_HEADERS |= {"content-transfer-encoding", "content-type", "mime-version"}
_NAME = re.compile(r"[!-9;-~]+")
_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(\s*;[^\r\n]*)?", re.ASCII)
_FOLD = re.compile(r"\r\n(?=[ \t]+[^\s])")
_LINE_BREAK = re.compile(r"\r\n?")


def build(message: Message, *, sender: Address, prefix: str, ascii_attachments: bool) -> bytes:
    """Return headers and body of a message.

    Raises:
        InvalidMessageError: If a value cannot stand in a mail.
    """
    charset = message.charset or "utf-8"
    root = _root(message, charset, ascii_attachments)
    for name, value in _headers(message, sender, prefix, charset):
        root[name] = value if value.isascii() else _raw(value)
    return root.as_bytes(policy=POLICY)


def has_bad_headers(message: Message) -> bool:
    """Whether sender, recipients, subject or further headers hold a control character."""
    addresses = [message.sender, message.reply_to, *message.send_to]
    texts = [
        part for each in addresses if each for part in ([each] if isinstance(each, str) else each)
    ]
    texts += [unfold(message.subject), *message.extra_headers.values()]
    return any(CONTROL.search(text) for text in texts)


def unfold(subject: str) -> str:
    """Return a subject without the line breaks of a header that was folded already."""
    return _FOLD.sub("", str(subject)).replace("\t", " ")


def _headers(
    message: Message, sender: Address, prefix: str, charset: str
) -> Iterator[tuple[str, str]]:
    subject = unfold(message.subject)
    _refuse_control("subject", subject)
    if subject or prefix:
        yield "Subject", encoded(f"{prefix}{subject}", charset, header="Subject")
    yield "From", sender.header(charset)
    for name, raws in (("To", message.recipients), ("Cc", message.cc)):
        if raws:
            field = "recipients" if name == "To" else "cc"
            yield name, ", ".join(_all_once(field, raws, charset))
    if not (message.recipients or message.cc):
        yield "To", "undisclosed-recipients:;"
    if message.reply_to:
        yield "Reply-To", parse("reply_to", message.reply_to).header(charset)
    yield "Date", formatdate(message.date, localtime=True)
    _refuse_control("msgId", message.msgId)
    yield "Message-ID", message.msgId
    for name, value in message.extra_headers.items():
        if not _NAME.fullmatch(name):
            raise BadHeaderError("extra_headers", name)
        if name.lower() in OWN_HEADERS:
            raise InvalidMessageError(
                name, "is among 'extra_headers'", "Use the argument of Message instead."
            )
        _refuse_control(name, value)
        yield name, encoded(value, charset, header=name)
    yield from trace_headers().items()


def _all_once(field: str, raws: Iterable[str | tuple[str, str]], charset: str) -> Iterable[str]:
    return dict.fromkeys(parse(field, raw).header(charset) for raw in raws)


def _root(message: Message, charset: str, ascii_attachments: bool) -> Part:
    """Return the parts: mixed > related > alternative, each only where it is needed."""
    inline = [each for each in message.attachments if _is_inline(each)]
    files = [each for each in message.attachments if not _is_inline(each)]
    root: Part = _text(message.body or "", "plain", charset)
    if message.alts:
        root = _multipart(
            "alternative",
            [root, *(_text(text, subtype, charset) for subtype, text in message.alts.items())],
        )
    for subtype, attachments in (("related", inline), ("mixed", files)):
        if attachments:
            parts = [_file(each, ascii_attachments) for each in attachments]
            root = _multipart(subtype, [root, *parts])
    return root


def _is_inline(attachment: Attachment) -> bool:
    names = {name.lower() for name in attachment.headers or {}}
    return attachment.disposition == "inline" and "content-id" in names


def _multipart(subtype: str, parts: Iterable[Part]) -> Part:
    return MIMEMultipart(subtype, _subparts=list(parts), policy=POLICY)


def _text(text: str, subtype: str, charset: str) -> MIMEText:
    """Return a text part; one that its charset cannot hold is in UTF-8."""
    chosen = Charset(charset)
    try:
        text.encode(chosen.output_codec or "ascii")
    except (UnicodeEncodeError, LookupError):
        chosen = Charset("utf-8")
    is_short = all(len(line) <= MAX_LINE for line in text.splitlines())
    if chosen.output_charset == "utf-8" or not is_short:
        # Python writes text without an encoding as 7 bit.
        chosen.body_encoding = None if text.isascii() and is_short else QP  # type: ignore[assignment]  # the stubs leave None out
    return MIMEText(_LINE_BREAK.sub("\n", text), subtype, chosen, policy=POLICY)  # type: ignore[arg-type]  # the stubs leave Charset out


def _file(attachment: Attachment, ascii_attachments: bool) -> MIMEBase:
    kind = attachment.content_type or ""
    if not _TYPE.fullmatch(kind):
        raise InvalidMessageError(kind, "is not a content type", "Write it like 'application/pdf'.")
    main, _, sub = kind.partition("/")
    part = MIMEBase(main, sub, policy=POLICY)
    data = attachment.data or b""
    part.set_payload(data.encode() if isinstance(data, str) else data)
    if isinstance(data, str) and main == "text" and "charset" not in sub.lower():
        part.set_param("charset", "utf-8")
    encode_base64(part)
    _refuse_control("disposition", attachment.disposition or "")
    if attachment.filename is not None:
        name = _ascii(attachment.filename) if ascii_attachments else attachment.filename
        _refuse_control("filename", name)
        value = name if name.isascii() else ("utf-8", "", name)
        part.add_header("Content-Disposition", attachment.disposition or "", filename=value)
    elif attachment.disposition:
        part["Content-Disposition"] = attachment.disposition
    for name, value in (attachment.headers or {}).items():
        if not _NAME.fullmatch(name):
            raise BadHeaderError("headers", name)
        _refuse_control(name, value)
        part[name] = encoded(value, "utf-8", header=name)
    return part


def _ascii(filename: str) -> str:
    plain = unicodedata.normalize("NFKD", filename).encode("ascii", "ignore").decode()
    return " ".join(plain.split())


def _refuse_control(header: str, value: str) -> None:
    if CONTROL.search(value):
        raise BadHeaderError(header, value)


def _raw(value: str) -> str:
    """Return text that the generator writes as UTF-8 bytes."""
    return value.encode().decode("ascii", "surrogateescape")
