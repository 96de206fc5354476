"""The environment files of a folder, in the order that Flask developers know."""

from __future__ import annotations

from pathlib import Path

from quart.cli import load_dotenv

FLASKENV = ".flaskenv"


def load_environment() -> None:
    """Complete ``os.environ`` from ``.env``, then ``.quartenv``, then ``.flaskenv``.

    What is set already stays, so the real environment wins over all of them. The first two are
    looked for as Quart does, upwards from the current folder; ``.flaskenv`` only there. Needs
    python-dotenv; without it, nothing is read, and a hint is printed where a file is present.
    """
    load_dotenv()
    if Path(FLASKENV).is_file():
        load_dotenv(FLASKENV)
