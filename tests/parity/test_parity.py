"""Each public name of the Flask extensions has a decision, and the decision is true."""

from __future__ import annotations

import pytest

from . import table
from .inventory import PACKAGES

TABLES = {each.distribution: each for each in table.tables()}


def test_all_packages_have_a_table() -> None:
    assert set(TABLES) == set(PACKAGES)
    assert sum(len(each.upstream) for each in TABLES.values()) > 1000


@pytest.mark.parametrize("name", TABLES)
def test_every_name_has_a_line_and_every_line_a_name(name: str) -> None:
    assert TABLES[name].unlisted() == []
    assert TABLES[name].outdated() == []


@pytest.mark.parametrize("name", TABLES)
def test_every_line_is_true(name: str) -> None:
    assert list(TABLES[name].wrong()) == []


def test_the_page_has_the_tables() -> None:
    page = table.PAGE.read_text("utf-8")
    assert page == table.page_with_tables(page), "run 'make parity'"


def test_a_wrong_line_is_found() -> None:
    """A test of the tests."""
    login = TABLES["Flask-Login"]
    lines = {
        "login_user": table.Line.parse("same"),
        "encode_cookie": table.Line.parse("same"),
        "decode_cookie": table.Line.parse("renamed: no_such_name"),
        "logout_user": table.Line.parse("left out"),
        "no.such.name": table.Line.parse("same"),
    }
    upstream = {name: login.upstream.get(name) for name in list(lines)[:4]} | {"more": None}
    made = table.Table("X", "1", login.rooms, upstream, lines, {})
    assert made.unlisted() == ["more"]
    assert made.outdated() == ["no.such.name"]
    assert list(made.wrong()) == [
        "encode_cookie: absent",
        "decode_cookie: there is no 'no_such_name'",
        "logout_user: 'left out: ' is no decision",
    ]
