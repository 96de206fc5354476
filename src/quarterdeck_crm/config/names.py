"""The names under which an operator writes a key: ``CRM_CURRENCY`` for ``CURRENCY``."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from quarterdeck.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from quart import Quart

# These keep the names that operators know, without the CRM_ in front.
PLAIN_NAMES = ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "SESSION_TYPE")
PLAIN_PREFIX = "MAIL_"

WRITTEN = "quarterdeck_crm.written_names"  # where ``app.extensions`` holds them


def written_name(app: Quart, key: str) -> str:
    """Return the name under which the operator set a key, such as ``CRM_CURRENCY``.

    Without a value from the environment it is the key itself.
    """
    names: Mapping[str, str] = app.extensions.get(WRITTEN, {})
    begin = re.match(r"\w*", key)
    name = begin[0] if begin else ""
    return names.get(name, name) + key[len(name) :]


@contextmanager
def errors_as_written(app: Quart) -> Iterator[None]:
    """Let a ConfigurationError of the block name the setting that the operator wrote."""
    try:
        yield
    except ConfigurationError as error:
        raise error.under(written_name(app, error.key)) from error


def variable_of(key: str) -> str:
    """Return the variable of the environment that sets a key; other names as they are."""
    if key == "SQLALCHEMY_DATABASE_URI":
        return "DATABASE_URL"
    is_plain = key in PLAIN_NAMES or key.startswith(PLAIN_PREFIX)
    return key if is_plain or not key.isupper() else f"CRM_{key}"


def written_names(settings: Mapping[str, object], *, reads_environment: bool) -> dict[str, str]:
    """Return the variables of the environment that give keys their values, by key."""
    names: dict[str, str] = {}
    if reads_environment:
        prefixed = (name for name in os.environ if name.startswith("CRM_"))
        names = {name.removeprefix("CRM_").partition("__")[0]: name for name in prefixed}
        names |= {name: name for name in plain_environment()}
    return {key: name for key, name in names.items() if key not in settings}


def plain_environment() -> dict[str, str]:
    """Return the variables that have no CRM_ in front."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in PLAIN_NAMES or name.startswith(PLAIN_PREFIX)
    }
