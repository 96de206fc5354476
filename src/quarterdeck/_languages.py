"""The choice of a language by the preferences of a visitor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from quart import current_app

# Where ``app.extensions`` holds functions that return the reader's locale, and translate a text.
LOCALE = "quarterdeck.reader_locale"
GETTEXT = "quarterdeck.gettext"


def best_of(wanted: Iterable[str], offered: Sequence[str]) -> str | None:
    """Return the language of ``offered`` that the visitor prefers; "de" serves "de-CH" too."""
    for preferred in wanted:
        for tag in (preferred, _primary(preferred)):
            for language in offered:
                if tag.lower() in {language.lower().replace("_", "-"), _primary(language)}:
                    return language
    return None


def reader_locale() -> str | None:
    """Return the locale that the app has chosen for the reader; None if it chooses none."""
    choose = current_app.extensions.get(LOCALE)
    return None if choose is None else choose()


def translated(text: str) -> str:
    """Return a text of the kit in the language of the reader, if the app has translated it."""
    translate = current_app.extensions.get(GETTEXT)
    return text if translate is None else str(translate(text))


def _primary(tag: str) -> str:
    return tag.replace("_", "-").partition("-")[0].lower()
