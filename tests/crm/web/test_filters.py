"""How values look on a page."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from markupsafe import Markup

from quarterdeck_crm.web.filters import money, percent, quantity, shortdate


def words(markup: Markup) -> str:
    return markup.striptags()


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("1265793.0395", "USD", "1,265,793.04 USD"),
        ("110277.305", "USD", "110,277.30 USD"),  # half to even
        ("110277.315", "USD", "110,277.32 USD"),
        ("1234.5", "JPY", "1,234 JPY"),
        ("0.0005", "KWD", "0.000 KWD"),
        ("-12.5", "EUR", "-12.50 EUR"),
        ("0", "EUR", "0.00 EUR"),
    ],
)
def test_money_is_rounded_to_the_minor_unit(amount: str, currency: str, shown: str) -> None:
    assert words(money(Decimal(amount), currency)) == shown


def test_money_carries_the_bare_value_for_the_browser() -> None:
    assert 'value="1265793.04"' in money(Decimal("1265793.0395"), "USD")


def test_currency_is_escaped() -> None:
    assert "<script>" not in money(Decimal(1), "<script>")


@pytest.mark.parametrize(
    ("fraction", "shown"), [("0.05", "5%"), ("0.125", "12.5%"), ("0.1", "10%"), ("1", "100%")]
)
def test_percent_drops_needless_zeros(fraction: str, shown: str) -> None:
    assert words(percent(Decimal(fraction))) == shown


def test_quantity_keeps_thousands_apart() -> None:
    assert words(quantity(2155)) == "2,155"


def test_quantity_drops_the_zeros_of_its_column() -> None:
    assert words(quantity(Decimal("8.000000"))) == "8"
    assert words(quantity(Decimal("1200.50"))) == "1,200.5"


def test_shortdate_names_the_month() -> None:
    assert words(shortdate(date(1996, 7, 4))) == "4 Jul 1996"


@pytest.mark.parametrize(
    "shown", [money(None, "EUR"), quantity(None), percent(None), shortdate(None)]
)
def test_nothing_is_said_to_screen_readers(shown: str) -> None:
    assert "none" in shown
