"""The environment files of a folder, in the order that Flask developers know."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

FLASKENV = ".flaskenv"
_SEARCHED = (".env", ".quartenv")  # upwards from the current folder
_TIP = (
    ' * Tip: There are .env or .quartenv files present. Do "pip install python-dotenv" to use them.'
)


class WithEnvironment(click.Group):
    """A program that reads the environment files first, unless ``QUART_SKIP_DOTENV`` is set."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Read the files before any argument, which may take its default from a variable."""
        if os.environ.get("QUART_SKIP_DOTENV", "").lower() in {"", "0", "false", "no"}:
            load_environment()
        return super().make_context(info_name, args, parent=parent, **extra)


def load_environment() -> None:
    """Complete ``os.environ`` from ``.env``, then ``.quartenv``, then ``.flaskenv``.

    Variables that are set stay, so the real environment wins over all of them. The first two are
    looked for as Quart does, upwards from the current folder; ``.flaskenv`` only there. Needs
    python-dotenv; without it, nothing is read, and a hint is printed where a file is present.
    """
    # As quart.cli.load_dotenv does, without the import of Quart.
    try:
        from dotenv import find_dotenv, load_dotenv
    except ImportError:
        if any(Path(name).is_file() for name in (*_SEARCHED, FLASKENV)):
            click.secho(_TIP, fg="yellow", err=True)
        return
    for name in _SEARCHED:
        if path := find_dotenv(name, usecwd=True):
            load_dotenv(path, encoding="utf-8")
    if Path(FLASKENV).is_file():
        load_dotenv(FLASKENV, encoding="utf-8")


def file_variables() -> dict[str, str]:
    """Return the environment variables that come from an environment file.

    Returns:
        The name of the file (``.env``, ``.quartenv`` or ``.flaskenv``) by variable.
    """
    try:
        from dotenv import dotenv_values, find_dotenv
    except ImportError:  # without it, no file was read either
        return {}
    found: dict[str, str] = {}
    for path in (*(find_dotenv(name, usecwd=True) for name in _SEARCHED), FLASKENV):
        if path and Path(path).is_file():
            for name, value in dotenv_values(path, encoding="utf-8").items():
                if value is not None and os.environ.get(name) == value:
                    found.setdefault(name, Path(path).name)
    return found
