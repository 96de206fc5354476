"""Mail addresses: parsed, checked, and written for headers and envelopes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.charset import Charset
from email.header import Header
from email.utils import formataddr, unquote

from email_validator import EmailNotValidError, validate_email

from quarterdeck.exceptions import BadHeaderError, InvalidAddressError

RawAddress = str | tuple[str, str]

CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_NAMED = re.compile(r"(?P<name>.*?)\s*<(?P<address>[^<>]*)>")


@dataclass(frozen=True, slots=True)
class Address:
    """A checked address.

    Attributes:
        name: The name to show; may be empty.
        address: As the envelope has it. The domain is ASCII (IDNA); a local part beyond ASCII
            stays, and needs a server with SMTPUTF8.
    """

    name: str
    address: str

    @property
    def needs_utf8(self) -> bool:
        return not self.address.isascii()

    def header(self, charset: str) -> str:
        """Return the address for a header, the name encoded if it is not ASCII."""
        name = encoded(self.name, charset)
        if self.needs_utf8:
            return f"{formataddr((name, 'a'))[:-3]}<{self.address}>" if name else self.address
        return formataddr((name, self.address))


def parse(field: str, raw: RawAddress) -> Address:
    """Check an address: ``"ada@example.com"``, ``"Ada <ada@example.com>"`` or a pair.

    Args:
        field: Named in errors, such as "recipients".
        raw: As given by the program.

    Raises:
        BadHeaderError: If it holds a control character.
        InvalidAddressError: If it is not one valid address.
    """
    parts = raw if isinstance(raw, tuple) else (raw,)
    if not all(isinstance(part, str) for part in parts):
        raise InvalidAddressError(field, raw, "it is not text")
    if any(CONTROL.search(part) for part in parts):
        raise BadHeaderError(field, raw)
    name, written = raw if isinstance(raw, tuple) else _split(raw)
    try:
        valid = validate_email(
            written,
            check_deliverability=False,
            globally_deliverable=False,
            allow_quoted_local=True,
            allow_domain_literal=True,
        )
    except EmailNotValidError as error:
        raise InvalidAddressError(field, raw, str(error)) from None
    return Address(name.strip(), f"{valid.local_part}@{valid.ascii_domain}")


def _split(raw: str) -> tuple[str, str]:
    named = _NAMED.fullmatch(raw.strip(" "))
    if named is None:
        return "", raw
    return unquote(named["name"]), named["address"]


def encoded(text: str, charset: str, *, header: str | None = None) -> str:
    """Return text for a header: as it is if ASCII, else as encoded words (RFC 2047).

    Text that ``charset`` cannot hold is encoded in UTF-8.
    """
    if text.isascii():
        return text
    try:
        made = Header(text, Charset(charset), header_name=header)
    except UnicodeEncodeError:
        made = Header(text, Charset("utf-8"), header_name=header)
    return made.encode(linesep="")
