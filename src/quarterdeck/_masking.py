"""Configuration values as they may be shown: without passwords, tokens and keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from pathlib import PurePath
from typing import Any

from quarterdeck._redaction import MASK, is_secret

_KEY_NAME = re.compile(r"PASSPHRASE|SALT|KEYS?$|(^|_)(PASS|PWD)$", re.I)
# A password may hold any character, so it ends at the last '@' of the text.
_URL_PASSWORD = re.compile(r"(://[^:/?#@]*):.*@", re.S)
_URL_TOKEN = re.compile(r"(https?://)[^:/?#@]+@", re.I)
_URL_PARAMETER = re.compile(r"([?&][^=&]*(?:pass|pwd|token|secret|key)[^=&]*=)[^&]*", re.I)


def is_secret_name(name: str) -> bool:
    """Whether a value of this name is probably secret, such as ``MAIL_PASSWORD``."""
    return is_secret(name) or _KEY_NAME.search(name) is not None


def masked(value: Any, *, secret: bool = False) -> Any:
    """Return the value as JSON can hold it, with secrets replaced by ``***``.

    Passwords and tokens in URLs are replaced, and so are the secret entries of dictionaries.
    Objects are shown by their type only, because their text may contain a password. None,
    true, false and empty values of secrets are shown: they tell that no secret is set.

    Args:
        value: Any value of a configuration.
        secret: Whether the whole value is secret.
    """
    if value is None or isinstance(value, bool):
        return value
    if secret:
        return MASK if value else value
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        return _without_passwords(value)
    if isinstance(value, Mapping):
        return {str(k): masked(v, secret=is_secret_name(str(k))) for k, v in value.items()}
    if type(value) in {list, tuple, set, frozenset}:
        return [masked(each) for each in value]
    if isinstance(value, timedelta | PurePath | Enum):
        return str(value)
    if hasattr(value, "render_as_string"):  # sqlalchemy.URL
        return _without_passwords(value.render_as_string(hide_password=True))
    return f"<{type(value).__module__}.{type(value).__qualname__}>"


def _without_passwords(text: str) -> str:
    text = _URL_PASSWORD.sub(rf"\1:{MASK}@", text)
    text = _URL_TOKEN.sub(rf"\1{MASK}@", text)
    return _URL_PARAMETER.sub(rf"\1{MASK}", text) if "://" in text else text
