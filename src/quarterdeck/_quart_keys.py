"""Values of Quart's own keys that fail in the middle of a request, found before an app serves.

The kinds of ``quarterdeck.config`` convert text. Quart uses these values as they are, so here a
text such as ``"16"`` is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

_SAME_SITE = ("lax", "strict", "none")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_number_or_none(value: object) -> bool:
    return value is None or _is_number(value)


def _is_duration(value: object) -> bool:
    return value is None or isinstance(value, timedelta) or _is_number(value)


def _is_same_site(value: object) -> bool:
    return value is None or (isinstance(value, str) and value.lower() in _SAME_SITE)


_NUMBER = (_is_number_or_none, "a number, or None for no limit")
_DURATION = (_is_duration, "a number of seconds, or a timedelta")
_TRUTH = (lambda value: isinstance(value, bool), "true or false")
_KEYS: dict[str, tuple[Callable[[object], bool], str]] = {
    "BODY_TIMEOUT": _NUMBER,
    "MAX_CONTENT_LENGTH": _NUMBER,
    "MAX_FORM_MEMORY_SIZE": _NUMBER,
    "MAX_FORM_PARTS": _NUMBER,
    "PERMANENT_SESSION_LIFETIME": _DURATION,
    "RESPONSE_TIMEOUT": _NUMBER,
    "SEND_FILE_MAX_AGE_DEFAULT": _DURATION,
    "SESSION_COOKIE_HTTPONLY": _TRUTH,
    "SESSION_COOKIE_SAMESITE": (_is_same_site, "'Lax', 'Strict', 'None', or None without quotes"),
    "SESSION_COOKIE_SECURE": _TRUTH,
    "SESSION_REFRESH_EACH_REQUEST": _TRUTH,
}


def wrong_values(config: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the key, the problem and the remedy of each value that Quart cannot use."""
    for key, (is_right, expected) in _KEYS.items():
        if key in config and not is_right(config[key]):
            yield key, f"is {config[key]!r}", f"Set it to {expected}."
