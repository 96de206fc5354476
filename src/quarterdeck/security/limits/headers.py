"""The headers ``RateLimit`` and ``RateLimit-Policy`` of draft-ietf-httpapi-ratelimit-headers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from .counting import Window

_NOT_IN_STRING = re.compile(r"[^ !#-\[\]-~]")  # of a structured field (RFC 9651)


def set_headers(headers: Any, windows: Iterable[Window]) -> None:
    """Describe the limits of a request: their rates, and how much of each is left."""
    found = list(windows)
    if found:
        headers["RateLimit-Policy"] = ", ".join(_policy(window) for window in found)
        headers["RateLimit"] = ", ".join(_state(window) for window in found)


def _policy(window: Window) -> str:
    return f"{_name(window)};q={window.item.amount};w={window.item.get_expiry()}"


def _state(window: Window) -> str:
    return f"{_name(window)};r={window.remaining};t={window.seconds}"


def _name(window: Window) -> str:
    """Return the name of a policy: its scope, and its period because a scope may have several."""
    scope = _NOT_IN_STRING.sub("_", window.scope)
    return f'"{scope}/{window.item.get_expiry()}s"'
