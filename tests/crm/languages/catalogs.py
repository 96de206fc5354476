"""The catalogues of the CRM: ``python -m tests.crm.languages.catalogs`` brings them up to date."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from babel.messages import Catalog
from babel.messages.pofile import read_po

from quarterdeck_crm.languages import ENGLISH, LANGUAGES

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "translations"
TRANSLATED = [code for code in LANGUAGES if code != ENGLISH]


def read(code: str) -> Catalog:
    """Read the catalogue of a language."""
    with (FOLDER / code / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=code)


def extracted(target: Path) -> Catalog:
    """Collect the texts of the code and the templates."""
    _run("-d", str(target.parent), "extract", "-F", "babel.cfg", "--project", "Quarterdeck", ".")
    with target.open("rb") as file:
        return read_po(file)


def incomplete(catalog: Catalog) -> Iterator[str]:
    """Yield the texts without a translation, or with one that needs a look."""
    for message in catalog:
        texts = message.string if isinstance(message.string, tuple | list) else (message.string,)
        if message.id and (message.fuzzy or not all(texts)):
            yield str(message.id)


def _run(*arguments: str) -> None:
    command = [sys.executable, "-m", "quarterdeck", "babel", *arguments]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


def main() -> None:
    """Update all catalogues and name what is to be translated."""
    extracted(FOLDER / "messages.pot")
    for code in TRANSLATED:
        exists = (FOLDER / code).exists()
        _run("-d", "translations", *(("update", "-l", code) if exists else ("init", code)))
        for text in incomplete(read(code)):
            click.echo(f"{code}: {text}")


if __name__ == "__main__":
    main()
