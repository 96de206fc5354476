"""Numbers in the configuration: what an operator may write, and what stops the start."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from quarterdeck.config import integer, seconds

ODD = ["1_0", "\u0663", "", "ten", "NaN", "inf", float("nan"), float("inf"), 10**400, True, None]


@pytest.mark.parametrize("raw", [value for value in ODD if value is not True], ids=repr)
def test_no_odd_number_is_a_length_of_time(raw: Any) -> None:
    with pytest.raises(ValueError, match="a number of seconds"):
        seconds(raw)


@pytest.mark.parametrize("raw", [*ODD, 1.5, "1.5", -1, 101], ids=repr)
def test_no_odd_number_is_a_whole_number(raw: Any) -> None:
    with pytest.raises(ValueError, match="a whole number from 0 to 100"):
        integer(0, 100)(raw)


def test_numbers_and_their_texts_are_read() -> None:
    assert [seconds(raw) for raw in (1, "1.5", " 1e2 ", timedelta(minutes=1))] == [1, 1.5, 100, 60]
    assert [integer()(raw) for raw in (1, "-1", " 10 ", 2.0)] == [1, -1, 10, 2]
