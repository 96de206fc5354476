"""Reading ``hypercorn.toml``: a misspelt key or a wrong value is found at the start."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from quarterdeck._networks import Networks
from quarterdeck._process import MAX_WORKERS
from quarterdeck.exceptions import ServerConfigurationError

#: The values of ``http1``, the default first.
PARSERS = ("httptools", "h11")

_LISTS = {"bind", "insecure_bind", "quic_bind"}  # properties: a text or a list of texts


def read(file: Path, config: type) -> dict[str, Any]:
    """Return the keys and values of a file, each checked against a class of configuration.

    Raises:
        ServerConfigurationError: If the file is missing or no TOML, or has an unknown key or a
            value of another type.
    """
    try:
        values = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
        raise ServerConfigurationError(str(file), "*", problem, "Check --config.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ServerConfigurationError(
            str(file), "*", f"is not TOML: {error}", "Write 'key = value' lines."
        ) from None
    kinds = _kinds(config)
    for key, value in values.items():
        if key not in kinds:
            near = get_close_matches(key, kinds)
            remedy = f"Did you mean '{near[0]}'?" if near else "Remove it."
            raise ServerConfigurationError(str(file), key, "is unknown", remedy)
        if not _fits(value, kinds[key]):
            expected = " or ".join(sorted(kind.__name__ for kind in kinds[key]))
            raise ServerConfigurationError(
                str(file), key, f"is {value!r}", f"Give a value of type {expected}."
            )
        if type(value) in {int, float} and not value >= 0:  # NaN is neither
            raise ServerConfigurationError(
                str(file), key, f"is {value!r}", "Give a number from 0 on."
            )
    if not 1 <= (workers := values.get("workers", 1)) <= MAX_WORKERS:
        remedy = f"Give a number from 1 to {MAX_WORKERS}."
        raise ServerConfigurationError(str(file), "workers", f"is {workers!r}", remedy)
    _check_networks(file, values.get("proxy_protocol_from", ()))
    if (parser := values.get("http1", PARSERS[0])) not in PARSERS:
        remedy = f"Give one of {', '.join(map(repr, PARSERS))}."
        raise ServerConfigurationError(str(file), "http1", f"is {parser!r}", remedy)
    return values


def _check_networks(file: Path, names: Iterable[str]) -> None:
    try:
        Networks(names)
    except ValueError as error:
        raise ServerConfigurationError(
            str(file), "proxy_protocol_from", f"is {names!r}", f"Expected {error}."
        ) from None


def _kinds(config: type) -> dict[str, set[type]]:
    """Return the types of all keys; those of a key without a declaration are its default's."""
    hints = get_type_hints(config)
    found: dict[str, set[type]] = {name: {str, list} for name in _LISTS}
    for name in dir(config):
        default = getattr(config, name)
        if name.startswith("_") or callable(default) or isinstance(default, property):
            continue
        kinds = _flat(hints[name]) if name in hints else {type(default)}
        found[name] = kinds - {NoneType}
    found["root_path"] = {str}
    return found


def _flat(hint: Any) -> set[type]:
    if get_origin(hint) in {Union, UnionType}:
        return {kind for part in get_args(hint) for kind in _flat(part)}
    return {get_origin(hint) or hint}


def _fits(value: Any, kinds: set[type]) -> bool:
    if isinstance(value, bool):
        return bool in kinds
    if isinstance(value, int) and float in kinds:
        return True
    return isinstance(value, tuple(kinds))
