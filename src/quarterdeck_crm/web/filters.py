"""How values look on a page: readable text from the server, refined by the browser.

Numbers, amounts and dates come as ``<data>`` and ``<time>`` elements with plain text
English; ``static/js/locale.js`` writes them in the reader's own manner.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from jinja2.utils import url_quote
from markupsafe import Markup, escape

from quarterdeck.babel import get_locale
from quarterdeck.babel import gettext as _
from quarterdeck_crm.languages.days import shown_day
from quarterdeck_crm.money import rounded
from quarterdeck_crm.validation import is_web_address

from .pieces import Pieces

if TYPE_CHECKING:
    from quart import Quart

NOTHING = Markup(
    '<span class="soft" aria-hidden="true">–</span><span class="visually-hidden">{}</span>'
)
PERCENT = Markup('<data class="percent" value="{}">{}%</data>')
COMMA = ("de",)  # languages of the pages with a decimal comma
SWAPPED = str.maketrans(",.", ".,")


def register_filters(app: Quart) -> None:
    """Give every template ``ui``, and filters for amounts, numbers, days and addresses."""
    app.jinja_env.globals["ui"] = Pieces(app.jinja_env)
    app.jinja_env.tests["web_address"] = is_web_address
    app.jinja_env.filters.update(
        money=money, quantity=quantity, percent=percent, shortdate=shortdate, query=query
    )
    # A filter of a constant, such as "none|quantity", would keep the language of the compilation.
    app.jinja_env.globals["nothing"] = _nothing


def _nothing() -> Markup:
    return NOTHING.format(_("none"))  # not remembered: it depends on the reader's language


def query(arguments: Mapping[str, object]) -> str:
    """Return the part of an address after ``?``, as the filter ``urlencode`` of Jinja."""
    return "&".join([f"{_quoted(name)}={_quoted(str(arguments[name]))}" for name in arguments])


@lru_cache(1024)
def _quoted(text: str) -> str:
    return url_quote(text, for_qs=True)


def money(amount: Decimal | int | None, currency: str) -> Markup:
    """Return an amount with its currency, for example ``1,265,793.04 USD``."""
    if amount is None:
        return _nothing()
    value = rounded(Decimal(amount), currency)
    shown = f'<data value="{value}">{_in_manner_of_reader(f"{value:,}")}</data>'
    escaped = f'<span class="money">{shown} <small>{escape(currency)}</small></span>'
    return Markup(escaped)  # noqa: S704 - a page has dozens; "format" takes three times as long


def quantity(number: Decimal | int | None) -> Markup:
    """Return a count or a measure with its thousands apart, for example ``2,155``."""
    if number is None:
        return _nothing()
    form = ""
    if isinstance(number, Decimal):
        number, form = number.normalize(), "f"  # without the zeros of its column
    shown = _in_manner_of_reader(f"{number:,{form}}")
    return Markup(f'<data value="{number:{form}}">{shown}</data>')  # noqa: S704 - it is a number


def percent(fraction: Decimal | None) -> Markup:
    """Return a fraction as a percentage, for example ``12.5%``; nothing for none."""
    if not fraction:
        return _nothing()
    value = (fraction * 100).normalize()
    return PERCENT.format(f"{value:f}", _in_manner_of_reader(f"{value:f}"))


def shortdate(day: date | None) -> Markup:
    """Return a day, for example ``4 Jul 1996``."""
    return _nothing() if day is None else shown_day(day)


def _in_manner_of_reader(number: str) -> str:
    """Return a number such as ``1,265.04`` with the separators of the language of the page."""
    locale = get_locale()
    if locale is None or locale.language not in COMMA:
        return number
    return number.translate(SWAPPED)
