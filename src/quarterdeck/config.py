"""Configuration keys as tables: name, type, unit, default and meaning in one place.

Each room has one table, ``CONFIG``, and so can an application. ``read`` fills in the defaults,
converts text that came from the environment, and refuses a wrong value at start-up, before it
can fail in the middle of a request. ``docs/configuration.md`` is generated from the tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from ._redaction import MASK
from .exceptions import ConfigurationError

if TYPE_CHECKING:
    from quart import Quart

Kind = Callable[[Any], Any]
F = TypeVar("F", bound=Kind)

MAX_SECONDS = 100 * 365.25 * 86_400
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def type_name(name: str) -> Callable[[F], F]:
    """Give a kind the name of its type, for the documentation."""

    def mark(kind: F) -> F:
        vars(kind)["type_name"] = name
        return kind

    return mark


_DECLARED = "quarterdeck.config"  # where ``app.extensions`` holds the keys that were read


@dataclass(frozen=True, slots=True)
class ConfigKey:
    """One configuration key.

    Attributes:
        name: As in ``app.config``; the upstream Flask name wherever there is one.
        default: Used when the app does not set the key.
        kind: Converts and checks a value; raises ValueError with a description of the type
            that it expects.
        help: One or more sentences in Markdown for the documentation.
        choices: The only values allowed, if not empty.
        unit: Of a number, for example "bytes".
        secret: Whether ``quarterdeck config`` masks the value.
    """

    name: str
    default: Any
    kind: Kind
    help: str
    choices: tuple[Any, ...] = ()
    unit: str = ""
    secret: bool = False

    @property
    def type(self) -> str:
        """The type of a value, for the documentation."""
        return str(getattr(self.kind, "type_name", "any"))


@dataclass(frozen=True, slots=True)
class Setting:
    """A key that an app has read.

    Attributes:
        key: The declaration of the key.
        value: The checked value; later changes of ``app.config`` do not affect it.
    """

    key: ConfigKey
    value: Any


def read(app: Quart, table: Iterable[ConfigKey]) -> dict[str, Any]:
    """Return the checked value of every key, and put defaults into ``app.config``.

    None is always allowed for a key with the default None.

    Raises:
        ConfigurationError: If a value is not of the key's kind or not among its choices.
    """
    values: dict[str, Any] = {}
    for key in table:
        raw = app.config.setdefault(key.name, key.default)
        value = None if raw is None and key.default is None else _check(key, raw)
        values[key.name] = value
        app.extensions.setdefault(_DECLARED, {})[key.name] = Setting(key, value)
    return values


def settings(app: Quart) -> dict[str, Setting]:
    """Return all keys that :func:`read` has read for ``app``, by name."""
    return dict(app.extensions.get(_DECLARED, {}))


def _check(key: ConfigKey, raw: Any) -> Any:
    shown = MASK if key.secret else repr(raw)
    try:
        value = key.kind(raw)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(key.name, f"is {shown}", f"Expected {error}.") from None
    if key.choices and value not in key.choices:
        allowed = ", ".join(repr(choice) for choice in key.choices)
        raise ConfigurationError(key.name, f"is {shown}", f"Choose one of {allowed}.")
    return value


@type_name("true or false")
def boolean(raw: Any) -> bool:
    """True or false, also as the words that environment files use."""
    if isinstance(raw, bool):
        return raw
    word = str(raw).strip().lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off", ""}:
        return False
    raise ValueError("true or false")


@type_name("text")
def text(raw: Any) -> str:
    """A string."""
    if not isinstance(raw, str):
        raise ValueError("text")
    return raw


def integer(minimum: int | None = None, maximum: int | None = None) -> Kind:
    """A whole number, not below ``minimum`` and not above ``maximum``."""

    name = "whole number"
    if maximum is not None:
        name += f" from {minimum or 0} to {maximum}"
    elif minimum is not None:
        name += f" of at least {minimum}"
    expected = f"a {name}"

    @type_name(name)
    def kind(raw: Any) -> int:
        if isinstance(raw, bool):
            raise ValueError(expected)
        try:
            value = int(_plain(raw))
            is_whole = value == float(raw)
        except (OverflowError, TypeError, ValueError):
            raise ValueError(expected) from None
        if not is_whole or (minimum is not None and value < minimum):
            raise ValueError(expected)
        if maximum is not None and value > maximum:
            raise ValueError(expected)
        return value

    return kind


@type_name("number or `timedelta`")
def seconds(raw: Any) -> float:
    """A length of time in seconds: a number or a timedelta, not negative."""
    value = raw.total_seconds() if isinstance(raw, timedelta) else None
    if value is None:
        try:
            value = float(_plain(raw))
        except (OverflowError, TypeError, ValueError):
            raise ValueError("a number of seconds or a timedelta") from None
    if not value >= 0:  # neither is NaN
        raise ValueError("a number of seconds that is not negative")
    if value > MAX_SECONDS:
        raise ValueError("a number of seconds, at most those of 100 years")
    return value


def _plain(raw: Any) -> Any:
    """Return ``raw``, unless it is a text that only Python reads as a number, such as 1_0."""
    if isinstance(raw, str) and not _NUMBER.fullmatch(raw.strip()):
        raise ValueError
    return raw


@type_name("dictionary")
def mapping(raw: Any) -> dict[str, Any]:
    """A dictionary with text keys."""
    if not isinstance(raw, dict):
        raise ValueError("a dictionary")
    return dict(raw)


@type_name("list of text, or text with commas")
def text_list(raw: Any) -> list[str]:
    """A list of strings; text is split at commas."""
    if isinstance(raw, str):
        return [part.strip() for part in raw.split(",") if part.strip()]
    if isinstance(raw, Iterable):
        return [text(part) for part in raw]
    raise ValueError("a list of texts")


@type_name("any")
def anything(raw: Any) -> Any:
    """Accept any value: the code that reads the key checks it."""
    return raw
