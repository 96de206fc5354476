"""Rules for mail, for ``quarterdeck check``."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from quarterdeck._findings import Problem, Severity, Target, rule


@rule("QD801", Severity.WARNING, "Mail does not leave the machine.")
def backend(target: Target) -> Iterator[Problem]:
    value = target.get("MAIL_BACKEND")
    if value != "smtp":
        yield Problem("MAIL_BACKEND", f"is {value!r}: mail is not sent", "Set it to 'smtp'.")
    elif target.get("MAIL_SUPPRESS_SEND"):
        yield Problem("MAIL_SUPPRESS_SEND", "is on: mail is not sent", "Remove it.")


@rule("QD802", Severity.ERROR, "The password of the mail server is sent without TLS.")
def encryption(target: Target) -> Iterator[Problem]:
    is_plain = not (target.get("MAIL_USE_TLS") or target.get("MAIL_USE_SSL"))
    if is_plain and target.get("MAIL_PASSWORD") and not _is_local(target.get("MAIL_SERVER")):
        problem = "is off: the password of the mail server crosses the network in plain text"
        yield Problem("MAIL_USE_TLS", problem, "Set it to True, or MAIL_USE_SSL on port 465.")


@rule("QD803", Severity.INFO, "Messages need a sender of their own.")
def sender(target: Target) -> Iterator[Problem]:
    # An app that never set its server up has no mail to send.
    if target.get("MAIL_DEFAULT_SENDER") is None and not _is_local(target.get("MAIL_SERVER")):
        problem = "is not set: a message without a sender is an error"
        yield Problem("MAIL_DEFAULT_SENDER", problem, "Set it to the address of the site.")


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


RULES = (backend, encryption, sender)
