"""Days in the manner of the reader's language."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from markupsafe import Markup

from quarterdeck.babel import format_date, get_locale

from . import ENGLISH

DAY = Markup('<time datetime="{}" data-day>{}</time>')


def shown_day(day: date) -> Markup:
    """Return a day, for example ``4 Jul 1996``."""
    return _day(day, str(get_locale() or ENGLISH))


@lru_cache(4096)
def _day(day: date, locale: str) -> Markup:
    is_english = locale.startswith(ENGLISH)
    shown = f"{day.day} {day:%b %Y}" if is_english else format_date(day, "medium", rebase=False)
    return DAY.format(day.isoformat(), shown)
