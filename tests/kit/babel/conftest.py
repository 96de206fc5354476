"""Catalogues in German and Japanese, and apps that use them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from quart import Quart

from quarterdeck.babel import Babel
from quarterdeck.babel.selection import read_locale, read_zone

HEAD = (
    'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"Plural-Forms: {}\\n"\n\n'
)
GERMAN = (
    HEAD.format("nplurals=2; plural=(n != 1);")
    + """
msgid "Hello %(name)s!"
msgstr "Hallo %(name)s!"

msgid "Hello %(name)s"
msgstr "Hallo %(name)s"

msgid "%(num)s Apple"
msgid_plural "%(num)s Apples"
msgstr[0] "%(num)s Apfel"
msgstr[1] "%(num)s Äpfel"

msgid "Yes"
msgstr "Ja"

msgid "%(num)s %% of <b>all</b>"
msgstr "%(num)s %% von <b>allen</b>"

msgctxt "month"
msgid "May"
msgstr "Mai"

msgctxt "fruit"
msgid "%(num)s date"
msgid_plural "%(num)s dates"
msgstr[0] "%(num)s Dattel"
msgstr[1] "%(num)s Datteln"
"""
)
JAPANESE = (
    HEAD.format("nplurals=1; plural=0;")
    + """
msgid "%(num)s Apple"
msgid_plural "%(num)s Apples"
msgstr[0] "リンゴ %(num)s 個"
"""
)
FIRST = HEAD.format("nplurals=2; plural=(n != 1);") + '\nmsgid "first"\nmsgstr "erste"\n'


def write(folder: Path, code: str, text: str, domain: str = "messages") -> Path:
    """Write the source of a catalogue."""
    file = folder / code / "LC_MESSAGES" / f"{domain}.po"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return file


@pytest.fixture(scope="package")
def catalogs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an app with catalogues of two domains."""
    root = tmp_path_factory.mktemp("babel")
    write(root / "translations", "de", GERMAN)
    write(root / "translations", "ja", JAPANESE)
    write(root / "translations", "de", FIRST, "test")
    write(root / "more", "de", FIRST.replace("first", "Good bye").replace("erste", "Tschüs"))
    # A test without a server reads no file of a locale or zone: the server does it in a thread.
    for code in ("de_DE", "en_US", "ja"):
        read_locale(code)
    for zone in ("Europe/Vienna", "Pacific/Johnston"):
        read_zone(zone)
    return root


@pytest.fixture
def make_app(catalogs: Path) -> Callable[..., Quart]:
    """Make an app in that folder, with arguments of Babel and keys of the configuration."""

    def make(config: dict[str, Any] | None = None, **options: Any) -> Quart:
        app = Quart(__name__, root_path=str(catalogs))
        app.config.update(config or {})
        Babel(app, **options)
        return app

    return make
