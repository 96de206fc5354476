"""Pieces that pages remember: right for each reader and value, and never unescaped."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from jinja2 import Environment
from markupsafe import Markup

from quarterdeck_crm.models import OrderState
from quarterdeck_crm.web.pieces import Pieces


@pytest.fixture
def environment() -> Environment:
    environment = Environment(autoescape=True)
    environment.globals["url_for"] = lambda _, filename: f"/static/{filename}"
    return environment


@pytest.fixture
def ui(environment: Environment) -> Pieces:
    return Pieces(environment)


def test_equal_texts_may_be_markup_or_not(ui: Pieces) -> None:
    for label, shown in (("A&amp;B", "A&amp;amp;B"), (Markup("A&amp;B"), "A&amp;B")) * 2:
        assert f'aria-label="{shown}"' in ui.icon("plus", label=label)
        assert f"{shown}</span>" in ui.state_badge("low", label)
        assert f"</span>{shown}</span>" in ui.user(SimpleNamespace(name=label))


def test_the_drawings_are_where_the_request_has_them(environment: Environment, ui: Pieces) -> None:
    before = ui.icon("plus")
    environment.globals["url_for"] = lambda _, filename: f"/crm/static/{filename}?a&b"
    assert 'href="/static/img/icons.svg#plus"' in before
    assert 'href="/crm/static/img/icons.svg?a&amp;b#plus"' in ui.icon("plus")
    assert "/crm/static" in ui.state_badge("low")


def test_states_are_words_with_a_drawing(ui: Pieces) -> None:
    badge = ui.state_badge(OrderState.DRAFT)
    assert badge.startswith('<span class="state state-draft"><svg')
    assert badge.endswith('#draft"/></svg>Draft</span>')
    assert "#warning" in ui.state_badge("low", "None left")


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Ada Lovelace", "AL"), ("ada", "A"), ("王 小明", "王"), ("<b> <i>", "&lt;&lt;"), (" ", "?")],
)
def test_users_have_one_or_two_letters(ui: Pieces, name: str, letters: str) -> None:
    assert ui.avatar(name) == f'<span class="avatar" aria-hidden="true">{letters}</span>'


def test_a_user_may_be_a_link_or_missing(ui: Pieces) -> None:
    user = SimpleNamespace(name="Ada <b>")
    assert '<a href="/team/1?a&amp;b">Ada &lt;b&gt;</a>' in ui.user(user, "/team/1?a&b")
    assert "<a" not in ui.user(user)
    assert "No owner" in ui.user(None)
