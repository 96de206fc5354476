"""Amounts and the digits of their currencies."""

from __future__ import annotations

from decimal import Decimal

import pytest

from quarterdeck_crm.money import is_currency, line_amount, minor_digits, rounded

# ISO 4217, list one of 2024: all whose minor unit is neither a hundredth nor undefined.
DIGITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
    2: "EUR USD CHF INR BRL MGA MRU",
}


@pytest.mark.parametrize(
    ("currency", "digits"),
    [(currency, digits) for digits, names in DIGITS.items() for currency in names.split()],
)
def test_minor_digits_are_those_of_iso_4217(currency: str, digits: int) -> None:
    assert minor_digits(currency) == digits


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("0.125", "EUR", "0.12"),
        ("0.135", "EUR", "0.14"),
        ("0.0005", "KWD", "0.000"),
        ("0.0015", "KWD", "0.002"),
        ("2.5", "JPY", "2"),
        ("3", "EUR", "3.00"),
    ],
)
def test_amounts_are_rounded_half_to_even(amount: str, currency: str, shown: str) -> None:
    assert str(rounded(Decimal(amount), currency)) == shown


def test_a_line_is_exact() -> None:
    assert line_amount(3, Decimal("0.3333"), Decimal("0.05")) == Decimal("0.949905")


@pytest.mark.parametrize(
    ("code", "is_one"),
    [("EUR", True), ("eur", False), ("EU", False), ("EURO", False), ("E1R", False), ("ÉUR", False)],
)
def test_a_currency_is_three_capital_letters(code: str, is_one: bool) -> None:
    assert is_currency(code) is is_one
