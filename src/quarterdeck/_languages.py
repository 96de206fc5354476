"""The choice of a language by the preferences of a visitor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def best_of(wanted: Iterable[str], offered: Sequence[str]) -> str | None:
    """Return the language of ``offered`` that the visitor prefers; "de" serves "de-CH" too."""
    for preferred in wanted:
        for tag in (preferred, _primary(preferred)):
            for language in offered:
                if tag.lower() in {language.lower().replace("_", "-"), _primary(language)}:
                    return language
    return None


def _primary(tag: str) -> str:
    return tag.replace("_", "-").partition("-")[0].lower()
