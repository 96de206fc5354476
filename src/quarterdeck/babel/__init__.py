"""Translations, and dates and numbers as the reader writes them; stands in for Flask-Babel.

::

    babel = Babel(app, locale_selector=lambda: best_language(["en", "de"]))

    @app.get("/")
    async def index():
        return gettext("Hello %(name)s!", name="Ada")
"""

from __future__ import annotations

from quarterdeck import _extras

_extras.needs("babel", "babel")

from .cli import commands
from .config import BabelConfiguration, get_babel
from .domain import (
    Domain,
    get_domain,
    get_translations,
    gettext,
    lazy_gettext,
    lazy_ngettext,
    lazy_npgettext,
    lazy_pgettext,
    ngettext,
    npgettext,
    pgettext,
)
from .extension import Babel
from .formats import (
    format_currency,
    format_date,
    format_datetime,
    format_decimal,
    format_number,
    format_percent,
    format_scientific,
    format_time,
    format_timedelta,
    to_user_timezone,
    to_utc,
)
from .lazy import LazyString
from .selection import best_language, force_locale, get_locale, get_timezone, refresh

_ = gettext

__all__ = [
    "Babel",
    "BabelConfiguration",
    "Domain",
    "LazyString",
    "best_language",
    "commands",
    "force_locale",
    "format_currency",
    "format_date",
    "format_datetime",
    "format_decimal",
    "format_number",
    "format_percent",
    "format_scientific",
    "format_time",
    "format_timedelta",
    "get_babel",
    "get_domain",
    "get_locale",
    "get_timezone",
    "get_translations",
    "gettext",
    "lazy_gettext",
    "lazy_ngettext",
    "lazy_npgettext",
    "lazy_pgettext",
    "ngettext",
    "npgettext",
    "pgettext",
    "refresh",
    "to_user_timezone",
    "to_utc",
]
