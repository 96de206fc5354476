"""How values look on a page: readable text from the server, refined by the browser.

Numbers, amounts and dates come as ``<data>`` and ``<time>`` elements with plain text
English; ``static/js/locale.js`` writes them in the reader's own manner.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from markupsafe import Markup

from quarterdeck_crm.money import rounded
from quarterdeck_crm.validation import is_web_address

if TYPE_CHECKING:
    from quart import Quart

NOTHING = Markup(
    '<span class="soft" aria-hidden="true">–</span><span class="visually-hidden">none</span>'
)
# A page has dozens of these; "%" takes a third of the time of "format".
MONEY = Markup('<span class="money"><data value="%s">%s</data> <small>%s</small></span>')
QUANTITY = Markup('<data value="%s">%s</data>')
PERCENT = Markup('<data class="percent" value="%s">%s%%</data>')
DAY = Markup('<time datetime="%s" data-day>%s %s</time>')


def register_filters(app: Quart) -> None:
    """Give every template ``money``, ``quantity``, ``percent`` and ``shortdate``."""
    app.jinja_env.tests["web_address"] = is_web_address
    app.jinja_env.filters.update(
        money=money, quantity=quantity, percent=percent, shortdate=shortdate
    )


def money(amount: Decimal | int | None, currency: str) -> Markup:
    """Return an amount with its currency, for example ``1,265,793.04 USD``."""
    if amount is None:
        return NOTHING
    value = rounded(Decimal(amount), currency)
    return MONEY % (value, f"{value:,}", currency)


def quantity(number: Decimal | int | None) -> Markup:
    """Return a count or a measure with its thousands apart, for example ``2,155``."""
    if number is None:
        return NOTHING
    return QUANTITY % (number, f"{number:,}")


def percent(fraction: Decimal | None) -> Markup:
    """Return a fraction as a percentage, for example ``12.5%``; nothing for none."""
    if not fraction:
        return NOTHING
    value = (fraction * 100).normalize()
    return PERCENT % (f"{value:f}", f"{value:f}")


def shortdate(day: date | None) -> Markup:
    """Return a day, for example ``4 Jul 1996``."""
    if day is None:
        return NOTHING
    return DAY % (day.isoformat(), day.day, f"{day:%b %Y}")
