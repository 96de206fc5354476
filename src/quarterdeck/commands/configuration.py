"""The ``config`` command: the effective configuration of an app and the source of each value."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any

import click
from quart import Quart
from quart.cli import ScriptInfo

from quarterdeck._cli import clear_errors, with_app_argument
from quarterdeck._masking import is_secret_name, masked
from quarterdeck._state import set_in_code
from quarterdeck.config import Setting, settings

from .environment import file_variables
from .table import text_table

DEFAULT = "default"
CONFIGURATION = "configuration"
ENVIRONMENT = "environment"

COLUMNS = ("key", "value", "source")
_SIMILARITY = 0.85  # of a misspelt key without a known prefix to a known key


@dataclass(frozen=True, slots=True)
class EffectiveValue:
    """The value of one key.

    Attributes:
        value: As it may be shown, without secrets.
        source: ``default``, ``configuration``, ``environment`` or the name of a file.
        variable: The environment variable that gave the value, if one did.
    """

    value: Any
    source: str
    variable: str | None = None


@click.command("config")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def config(ctx: click.Context, as_json: bool) -> None:
    """Show the effective configuration of the app and the source of each value.

    Secrets are masked. Keys that are probably misspelt are named with a suggestion.
    """
    with clear_errors():
        app = ctx.ensure_object(ScriptInfo).load_app()
    values = effective_values(app)
    unknown = unknown_keys(app)
    if as_json:
        document = {"keys": {name: asdict(value) for name, value in values.items()}}
        click.echo(json.dumps(document | {"unknown": unknown}, indent=2, ensure_ascii=False))
        return
    click.echo(
        text_table(
            [
                {"key": name, "value": repr(each.value), "source": _describe(each)}
                for name, each in values.items()
            ],
            COLUMNS,
        )
    )
    for name, suggestion in unknown.items():
        hint = f" Did you mean '{suggestion}'?" if suggestion else ""
        click.echo(f"Warning: '{name}' is not a known key.{hint}", err=True)


config_of_app = with_app_argument(config)


def effective_values(app: Quart) -> dict[str, EffectiveValue]:
    """Return the values of all keys in ``app.config``, sorted by name.

    A value counts as coming from an environment variable if the variable has the name of the
    key, with or without a prefix, and holds the same value; for secrets and URLs the same value
    is enough.
    """
    declared = settings(app)
    files = file_variables()
    found = {name: _effective(app, name, declared.get(name), files) for name in sorted(app.config)}
    for name, value in set_in_code(app).items():
        found[name] = EffectiveValue(masked(value, secret=is_secret_name(name)), CONFIGURATION)
    return found


def _effective(
    app: Quart, name: str, setting: Setting | None, files: dict[str, str]
) -> EffectiveValue:
    raw = app.config[name]
    secret = setting.key.secret if setting else is_secret_name(name)
    shown = masked(setting.value if setting else raw, secret=secret)
    if (variable := _variable_of(name, raw, secret)) is not None:
        return EffectiveValue(shown, files.get(variable, ENVIRONMENT), variable)
    default = setting.key.default if setting else app.default_config.get(name, app)
    is_default = type(raw) is type(default) and raw == default
    return EffectiveValue(shown, DEFAULT if is_default else CONFIGURATION)


def _variable_of(name: str, raw: Any, secret: bool) -> str | None:
    """Return the environment variable that holds the value of a key.

    The shortest name is preferred: the key itself before a key with a prefix.
    """
    named = re.compile(rf"(?:[A-Z0-9]+_)*{re.escape(name)}((?:__\w+)?)")
    for variable in sorted(os.environ, key=len):
        text = os.environ[variable]
        match = named.fullmatch(variable)
        if match and _holds(raw, match[1].split("__")[1:], text):
            return variable
    if isinstance(raw, str) and raw and (secret or "://" in raw):
        return next((each for each, text in os.environ.items() if text == raw), None)
    return None


def _holds(raw: Any, path: list[str], text: str) -> bool:
    """Whether a value, or its entry at a path, is that of a variable: as text or as JSON."""
    for part in path:
        if not isinstance(raw, dict) or part not in raw:
            return False
        raw = raw[part]
    if raw == text:
        return True
    try:
        return bool(json.loads(text) == raw)
    except ValueError:
        return False


def unknown_keys(app: Quart) -> dict[str, str | None]:
    """Return the keys that look misspelt, each with the most similar known key.

    These are keys with the prefix of a room that the app uses, such as ``SESSION_TYP``, and
    keys very similar to a known one.
    """
    declared = settings(app)
    known = {*declared, *app.default_config}
    prefixes = tuple(_prefixes(declared))
    found: dict[str, str | None] = {}
    for name in sorted(app.config.keys() - known):
        has_prefix = name.startswith(prefixes)
        cutoff = 0.7 if has_prefix else _SIMILARITY
        suggestion = next(iter(get_close_matches(name, sorted(known), 1, cutoff)), None)
        if has_prefix or suggestion:
            found[name] = suggestion
    return found


def _prefixes(declared: dict[str, Setting]) -> Iterator[str]:
    """Yield the first word of each declared key that shares it with another one."""
    words = [name.partition("_")[0] for name in declared if "_" in name]
    yield from {f"{word}_" for word in words if words.count(word) > 1}


def _describe(value: EffectiveValue) -> str:
    return value.source + (f" ({value.variable})" if value.variable else "")
