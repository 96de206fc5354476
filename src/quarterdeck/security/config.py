"""The configuration keys of the room, and the state of ``Security`` for one app."""

from __future__ import annotations

from dataclasses import dataclass

from quarterdeck._state import ExtensionState
from quarterdeck.config import ConfigKey, text, text_list

from .checks import RULES
from .policy import Policy

FORWARDED = "Forwarded"
PROXY_HEADERS = (
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    FORWARDED,
)

#: Read by ``Security``.
SECURITY_KEYS = (
    ConfigKey(
        "TRUSTED_PROXIES",
        (),
        text_list,
        "Addresses and networks of the proxies in front of the app, such as `10.0.0.0/8`. `unix` "
        "is a proxy on a Unix domain socket. Their headers give the address and the scheme of the "
        "client; those of others are ignored.",
    ),
    ConfigKey(
        "TRUSTED_PROXY_HEADERS",
        ("X-Forwarded-For", "X-Forwarded-Proto"),
        text_list,
        "The headers that these proxies set themselves. Name no other: a proxy passes the others "
        f"on as the client sent them. Some of `{'`, `'.join(PROXY_HEADERS[:-1])}`, or only "
        f"`{FORWARDED}`.",
    ),
    ConfigKey(
        "STRICT_TRANSPORT_SECURITY",
        "max-age=31536000",
        text,
        "The header of this name for https, without `DEBUG`. Empty sends none.",
    ),
)

CONFIG = SECURITY_KEYS


@dataclass(frozen=True, slots=True)
class SecurityState:
    """The checked headers of one app."""

    rules = RULES  # of 'quarterdeck check'

    policy: Policy
    strict_transport_security: str


STATE: ExtensionState[SecurityState] = ExtensionState("security", "Security")
