"""Each test of the Flask extensions has a row, and the row names what is there.

The format of the rows is described in ``upstream_tests.py``.
"""

from __future__ import annotations

import pytest

from . import upstream_tests
from .upstream_tests import Row, Suite

SUITES = {suite.distribution: suite for suite in upstream_tests.suites()}


@pytest.mark.parametrize("name", SUITES)
def test_every_test_has_a_row_that_is_true(name: str) -> None:
    assert list(SUITES[name].problems()) == []


def test_every_file_of_rows_has_a_list() -> None:
    files = {file.stem for file in (upstream_tests.HERE / "tests").glob("*.toml")}
    assert files == {name.lower() for name in SUITES}


def test_a_wrong_row_is_found() -> None:
    """A test of the tests."""
    rows = {
        "a.py::test_gone": Row.parse("parity/test_upstream_tests.py::test_a_wrong_row_is_found"),
        "a.py::test_here": Row.parse(["kit/no_file.py::test_x"]),
        "a.py::test_other": Row.parse("differs: a reason (login.md#no-such-heading)"),
        "b.py::*": Row.parse("does not apply: a reason"),
    }
    tests = ("a.py::test_here", "a.py::test_other", "a.py::test_new", "b.py::test_x")
    assert list(Suite("X", "1", tests, rows).problems()) == [
        "a.py::test_new: no row",
        "a.py::test_gone: there is no such test",
        "a.py::test_here: there is no test 'kit/no_file.py::test_x' here",
        "a.py::test_other: there is no heading 'login.md#no-such-heading' in docs/",
    ]


@pytest.mark.parametrize("value", ["differs: no link", "does not apply: ", "unknown: kind"])
def test_a_row_without_a_reason_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="is no decision"):
        Row.parse(value)
