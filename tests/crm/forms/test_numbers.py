"""A number that a person or a program sent is read by one rule, or refused with a reason."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from quarterdeck_crm.validation.numbers import (
    AmbiguousNumberError,
    fit_decimal,
    read_number,
    read_plain_number,
    read_whole_number,
    row_id,
    typed_form,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12,50", "12.50"), ("12.50", "12.50"), (" 7 ", "7"), ("-3", "-3"), (".5", "0.5"),
        ("1.234,50", "1234.50"), ("1,234.5", "1234.5"), ("1\u202f234,5", "1234.5"),
        ("1.234.567", "1234567"), ("0,125", "0.125"), ("1234,567", "1234.567"),
        ("1\u2019234", "1234"), ("1.2340", "1.234"),
    ],
)  # fmt: skip
def test_numbers_are_read_in_the_manner_of_the_reader(text: str, value: str) -> None:
    assert read_number(text) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        "1_0",
        "\u0663",
        "+5",
        "1e2",
        "1e30",
        "sNaN",
        "inf",
        "--3",
        "1,23,456",
        "12 34",
        "",
        "9" * 400,
    ],
)
def test_what_is_no_number_is_refused(text: str) -> None:
    for read in (read_number, read_plain_number, read_whole_number):
        with pytest.raises(ValueError, match=r"^(Enter a|That number)"):
            read(text)


@pytest.mark.parametrize("text", ["1,234", "1.234", "-12,000"])
def test_a_number_with_two_meanings_is_refused(text: str) -> None:
    with pytest.raises(AmbiguousNumberError, match="can be read in two ways"):
        read_number(text)


def test_a_file_may_fix_the_point() -> None:
    assert read_number("1.234", point=True) == Decimal("1.234")
    with pytest.raises(AmbiguousNumberError):
        read_number("1,234", point=True)


@pytest.mark.parametrize("value", ["1.234", "0", "12.5", "999999999999.999", "-1.500", "0.125"])
def test_the_text_of_a_field_is_read_as_the_same_number(value: str) -> None:
    assert read_number(typed_form(Decimal(value))) == Decimal(value)


@pytest.mark.parametrize("number", [2**31, 2**63, 10**400])
def test_a_number_beyond_every_id_is_one_that_no_row_has(number: int) -> None:
    if number < 10**400:
        assert row_id(str(number)) == 0
    assert row_id("1" * 500) == 0
    assert row_id(str(2**31 - 1)) == 2**31 - 1
    assert row_id("1_0") is row_id("-1") is row_id("\u0663") is None


@pytest.mark.parametrize("value", ["sNaN", "Infinity", "1E+30", "1E-400", "1E+999999999"])
def test_a_decimal_that_no_column_holds_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"Enter|large|decimals"):
        fit_decimal(Decimal(value), precision=15, scale=3)


@pytest.mark.parametrize(
    ("text", "whole", "sentence"),
    [
        ("1,234", False, "'1,234' can be read in two ways. Write 1234 or 1,2340."),
        ("1.234", True, "'1.234' can be read in two ways. Write 1234."),
        ("twelve", False, "Enter a number, such as 12.50."),
        ("12.5", True, "Enter a whole number."),
        ("9" * 19, False, "That number is too large."),
        ("9" * 61, False, "That number is too large."),
        ("x" * 61, False, "Enter a number, such as 12.50."),
    ],
)
def test_a_refusal_says_what_to_enter(text: str, whole: bool, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        read_number(text, whole=whole)


def test_the_largest_numbers_are_read() -> None:
    assert read_number("9" * 18) == Decimal("9" * 18)
    assert read_number("0" * 42 + "9" * 18) == Decimal("9" * 18)  # 60 characters
    assert read_whole_number(str(2**31 - 1)) == 2**31 - 1
    with pytest.raises(ValueError, match=r"^Enter a whole number from 3 to 2147483647\.$"):
        read_whole_number("2", least=3)
    assert read_plain_number("-0012.50") == Decimal("-12.50")
