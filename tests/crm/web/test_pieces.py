"""Pieces that pages remember: right for each reader and value, and never unescaped."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from jinja2 import Environment
from markupsafe import Markup
from quart import Quart

from quarterdeck.babel import force_locale
from quarterdeck_crm.models import OrderState
from quarterdeck_crm.web.pieces import Pieces
from tests.crm.conftest import Auth


@pytest.fixture
def environment() -> Environment:
    environment = Environment(autoescape=True)
    environment.globals["url_for"] = lambda _, filename: f"/static/{filename}"
    return environment


MACRO = """{% macro m(a, b=1) -%}
{{ a }}|{{ b }}|{% if said() %}{% endif %}|{{ _('Apply') }}{%- endmacro %}"""


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


async def test_a_part_is_written_once_for_its_arguments_and_language(app: Quart) -> None:
    asked: list[int] = []
    app.jinja_env.globals["said"] = lambda: asked.append(1)
    ui: Any = app.jinja_env.globals["ui"]
    macro = app.jinja_env.from_string(MACRO).module.m  # type: ignore[attr-defined]
    async with app.test_request_context("/"):
        for _ in range(2):
            with force_locale("en"):
                assert ui.remembered(macro, "<") == "&lt;|1||Apply"
                assert ui.remembered(macro, Markup("<")) == "<|1||Apply"
                assert ui.remembered(macro, 1, [2]) == "1|(2,)||Apply"
                assert ui.remembered(macro, True) == "True|1||Apply"
            with force_locale("de"):
                assert ui.remembered(macro, "<") == "&lt;|1||Anwenden"
    assert len(asked) == 5


async def test_a_part_knows_where_the_app_is(app: Quart) -> None:
    ui: Any = app.jinja_env.globals["ui"]
    source = "{% macro m() %}{{ url_for('orders.index') }}{% endmacro %}"
    macro = app.jinja_env.from_string(source).module.m  # type: ignore[attr-defined]
    for prefix in ("", "/crm"):
        async with app.test_request_context("/", root_path=prefix):
            assert ui.remembered(macro) == f"{prefix}/orders/"


async def test_the_frame_is_that_of_the_user(auth: Auth, as_admin: Auth) -> None:
    """Pages of an administrator come first, so that theirs would be remembered."""
    for browser, is_admin in ((as_admin, True), (auth, False)):
        page = await (await browser.get("/accounts/")).get_data(as_text=True)
        assert ('href="/jobs/"' in page) is is_admin
        assert '<a href="/accounts/" aria-current="page">' in page
        page = await (await browser.get("/accounts/new")).get_data(as_text=True)
        assert '<a href="/accounts/" aria-current="true">' in page
