"""The environment files of a folder, in the order that Flask developers know."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
from quart.cli import load_dotenv
from quart.helpers import get_load_dotenv

FLASKENV = ".flaskenv"


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
        if get_load_dotenv(True):
            load_environment()
        return super().make_context(info_name, args, parent=parent, **extra)


def load_environment() -> None:
    """Complete ``os.environ`` from ``.env``, then ``.quartenv``, then ``.flaskenv``.

    Variables that are set stay, so the real environment wins over all of them. The first two are
    looked for as Quart does, upwards from the current folder; ``.flaskenv`` only there. Needs
    python-dotenv; without it, nothing is read, and a hint is printed where a file is present.
    """
    load_dotenv()
    if Path(FLASKENV).is_file():
        load_dotenv(FLASKENV)


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
    for path in (find_dotenv(".env", usecwd=True), find_dotenv(".quartenv", usecwd=True), FLASKENV):
        if path and Path(path).is_file():
            for name, value in dotenv_values(path, encoding="utf-8").items():
                if value is not None and os.environ.get(name) == value:
                    found.setdefault(name, Path(path).name)
    return found
