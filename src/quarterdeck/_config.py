"""Configuration keys as tables: name, default, kind and meaning in one place.

Each room has one table. ``read`` fills in the defaults, converts what came from the
environment as text, and refuses at start-up what could only fail later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .exceptions import ConfigurationError

if TYPE_CHECKING:
    from quart import Quart

Kind = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class ConfigKey:
    """One configuration key.

    Attributes:
        name: As in ``app.config``; the upstream Flask name wherever there is one.
        default: Used when the app does not set the key.
        kind: Converts and checks a value; raises ValueError with what was expected.
        help: One line for the documentation, with the unit.
        choices: The only values allowed, if not empty.
    """

    name: str
    default: Any
    kind: Kind
    help: str
    choices: tuple[Any, ...] = ()


def read(app: Quart, table: Iterable[ConfigKey]) -> dict[str, Any]:
    """Return the checked value of every key, and put defaults into ``app.config``.

    None is always allowed for a key whose default is None.

    Raises:
        ConfigurationError: If a value is not of the key's kind or not among its choices.
    """
    values: dict[str, Any] = {}
    for key in table:
        raw = app.config.setdefault(key.name, key.default)
        values[key.name] = None if raw is None and key.default is None else _check(key, raw)
    return values


def _check(key: ConfigKey, raw: Any) -> Any:
    try:
        value = key.kind(raw)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(key.name, f"is {raw!r}", f"Expected {error}.") from None
    if key.choices and value not in key.choices:
        allowed = ", ".join(repr(choice) for choice in key.choices)
        raise ConfigurationError(key.name, f"is {raw!r}", f"Choose one of {allowed}.")
    return value


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


def text(raw: Any) -> str:
    """A string."""
    if not isinstance(raw, str):
        raise ValueError("text")
    return raw


def integer(minimum: int | None = None) -> Kind:
    """A whole number, not below ``minimum``."""

    def kind(raw: Any) -> int:
        expected = "a whole number" + ("" if minimum is None else f" of at least {minimum}")
        if isinstance(raw, bool):
            raise ValueError(expected)
        try:
            value = int(raw)
        except (TypeError, ValueError):
            raise ValueError(expected) from None
        if value != float(raw) or (minimum is not None and value < minimum):
            raise ValueError(expected)
        return value

    return kind


def seconds(raw: Any) -> float:
    """A length of time in seconds: a number or a timedelta, not negative."""
    value = raw.total_seconds() if isinstance(raw, timedelta) else None
    if value is None:
        try:
            value = float(raw)
        except (TypeError, ValueError):
            raise ValueError("a number of seconds or a timedelta") from None
    if value < 0:
        raise ValueError("a number of seconds that is not negative")
    return value


def mapping(raw: Any) -> dict[str, Any]:
    """A dictionary with text keys."""
    if not isinstance(raw, dict):
        raise ValueError("a dictionary")
    return dict(raw)


def text_list(raw: Any) -> list[str]:
    """A list of strings; text is split at commas."""
    if isinstance(raw, str):
        return [part.strip() for part in raw.split(",") if part.strip()]
    if isinstance(raw, Iterable):
        return [text(part) for part in raw]
    raise ValueError("a list of texts")
