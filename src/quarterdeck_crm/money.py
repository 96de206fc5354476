"""Exact amounts, and the one place where they are rounded."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

# ISO 4217: currencies whose minor unit is not a hundredth.
_MINOR_DIGITS = {
    "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
    "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0,
    "RWF": 0, "UGX": 0, "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
    "CLF": 4, "UYW": 4,
}  # fmt: skip

MAX_AMOUNT = Decimal("999999999999")  # of a line and of an order; the columns hold 12 digits


def line_amount(quantity: int, price: Decimal, discount: Decimal) -> Decimal:
    """Return quantity x price x (1 - discount), exactly; at most six decimals."""
    return quantity * price * (1 - discount)


def is_currency(code: str) -> bool:
    """Whether ``code`` has the shape of an ISO 4217 currency code."""
    return len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()


def minor_digits(currency: str) -> int:
    """Return how many decimals amounts of a currency are shown with."""
    return _MINOR_DIGITS.get(currency, 2)


def with_cents(text: str) -> str:
    """Return a number as an amount of an unnamed currency: ``104.3`` as ``104.30``."""
    return f"{text}0" if text[-2:-1] == "." else text


def rounded(amount: Decimal, currency: str) -> Decimal:
    """Return an exact amount as users see it, rounded half to even."""
    return amount.quantize(Decimal(1).scaleb(-minor_digits(currency)), ROUND_HALF_EVEN)
