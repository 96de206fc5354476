"""The messages of WTForms in the language of the visitor."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

from quart import has_request_context, request
from wtforms.i18n import get_translations

from quarterdeck._languages import best_of, reader_locale

from .config import settings


def translations_of_visitor() -> Any:
    """Return the catalogue of the preferred language of the app; None for English."""
    if not has_request_context():
        return None
    languages = settings().languages
    chosen = reader_locale() if languages else None
    if chosen is not None:
        language = best_of([chosen.replace("_", "-")], languages)
        return None if language is None else load(language)
    best = best_of(request.accept_languages.values(), languages) if languages else None
    return None if best is None else load(best)


def translations(languages: Iterable[str]) -> Any:
    """Return the catalogue of the first language that has one; None for English."""
    return next(filter(None, map(load, languages)), None)


@functools.cache
def load(language: str) -> Any:
    """Read the catalogue of a language, once; None if WTForms has none, as for English."""
    try:
        return get_translations([language.replace("-", "_")])
    except OSError:
        return None
