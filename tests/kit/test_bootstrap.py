"""The macros of Bootstrap, on both kinds of Jinja environment."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
import quart
from quart import flash, render_template_string
from sqlalchemy import Column, Integer, MetaData, String, Table
from wtforms import (
    Form,
)

from quarterdeck.app import Quart
from quarterdeck.bootstrap import Bootstrap, SwitchField
from quarterdeck.bootstrap.package import installed
from quarterdeck.exceptions import (
    IconNotFoundError,
    MacroUseError,
)
from quarterdeck.wtf import CSRFProtect

from .bootstrap_app import Everything, Page, render


@pytest.fixture(params=[quart.Quart, Quart], ids=["async-jinja", "sync-jinja"])
def app(request: pytest.FixtureRequest) -> quart.Quart:
    app: quart.Quart = request.param(__name__)
    app.config.update(SECRET_KEY="test", PROPAGATE_EXCEPTIONS=True)
    Bootstrap(app)
    assert app.jinja_env.is_async is (request.param is quart.Quart)
    app.add_url_rule("/list/<kind>", "list", lambda kind: kind)
    app.add_url_rule("/item/<int:id>", "item", lambda id: str(id))
    return app


# --- forms ----------------------------------------------------------------------


@pytest.mark.feature("BS1")
@pytest.mark.parametrize("form_type", ["basic", "inline", "horizontal"])
@pytest.mark.parametrize(
    "source",
    [
        "{% from 'bootstrap/form.html' import render_form as f %}{{ f(form, form_type=kind) }}",
        "{% from 'bootstrap/form.html' import quick_form as f %}{{ f(form, form_type=kind) }}",
        "{% import 'bootstrap/wtf.html' as wtf %}{{ wtf.quick_form(form, form_type=kind) }}",
    ],
    ids=["render_form", "quick_form", "wtf"],
)
async def test_form(app: quart.Quart, source: str, form_type: str) -> None:
    form = Everything()
    form.validate()
    html = await render(app, source, form=form, kind=form_type)
    page = Page(html)
    assert page.blocked == []
    assert page.all("form")[0]["enctype"] == "multipart/form-data"
    names = {attributes.get("name") for tag, attributes in page.tags} - {None}
    assert names >= {field.name for field in form if field.name not in {"address", "phones"}}
    assert {"address-city", "phones-0", "phones-1"} <= names
    assert "is-invalid" in (page.all("input", name="name")[0]["class"] or "")
    # The hidden field's error is shown too; an inline form has no room for the others.
    assert html.count("This field is required.") == (1 if form_type == "inline" else 2)
    assert page.all("input", type="submit")[0]["class"] == "btn btn-primary btn-md"


async def test_field_and_its_pieces(app: quart.Quart) -> None:
    html = await render(
        app,
        """{% import 'bootstrap/wtf.html' as wtf %}
        {% from 'bootstrap/form.html' import render_field, render_form_row, render_hidden_errors %}
        {{ render_field(form.name, class='wide') }}{{ wtf.form_field(form.country) }}
        {{ render_form_row([form.day, form.price]) }}
        {{ render_hidden_errors(form) }}{{ wtf.form_errors(form) }}""",
        form=Everything(),
    )
    page = Page(html)
    assert page.blocked == []
    assert page.all("input", name="name")[0]["class"] == "form-control wide"
    assert page.all("select", name="country", class_="form-select")
    assert len(page.all("div", class_="col")) == 2
    assert "As on the passport" in html


async def test_what_was_typed_is_escaped(app: quart.Quart) -> None:
    html = await render(
        app,
        "{% from 'bootstrap/form.html' import render_form %}{{ render_form(form) }}",
        form=Everything(data={"name": "<script>x</script>", "note": "</textarea><img>"}),
    )
    page = Page(html)
    assert not page.all("script")
    assert not page.all("img")


# --- navigation, messages, icons ------------------------------------------------


async def test_nav_items(app: quart.Quart) -> None:
    html = await render(
        app,
        """{% from 'bootstrap/nav.html' import render_nav_item, render_breadcrumb_item %}
        {{ render_nav_item('list', 'Goods', kind='goods', _badge=3) }}
        {{ render_nav_item('item', 'Item', id=1, _use_li=True) }}
        {{ render_breadcrumb_item('item', 'Item', id=1) }}""",
    )
    page = Page(html)
    assert page.blocked == []
    assert page.all("a", href="/list/goods", aria_current="page") or page.all(
        "a", href="/list/goods", **{"aria-current": "page"}
    )
    assert [link.get("aria-current") for link in page.all("a", href="/item/1")] == [None, None]


async def test_messages_are_shown_once(app: quart.Quart) -> None:
    source = """{% from 'bootstrap/utils.html' import render_messages %}
        {{ render_messages(dismissible=True, container=True) }}"""
    async with app.test_request_context("/list/goods"):
        await flash("Saved <b>it</b>")
        await flash("No", "error")
        html = await render_template_string(source)
    page = Page(html)
    assert page.blocked == []
    assert [each["class"] for each in page.all("div", role="alert")] == [
        "alert alert-primary alert-dismissible ",
        "alert alert-danger alert-dismissible ",
    ]
    assert "Saved &lt;b&gt;it&lt;/b&gt;" in html
    assert not Page(await render(app, source)).all("div", role="alert")


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (
            "render_icon('gear')",
            {"class": "bi", "width": "1em", "height": "1em", "fill": "currentColor"},
        ),
        ("render_icon('gear', '2em', 'danger')", {"class": "bi text-danger", "width": "2em"}),
        ("render_icon('gear', color='#abc')", {"class": "bi", "fill": "#abc"}),
        ("render_icon('gear', classes='me-1')", {"class": "bi me-1", "aria-hidden": "true"}),
        ("render_icon('gear', title='Settings')", {"role": "img"}),
    ],
)
async def test_icons_are_drawn_in_place(
    app: quart.Quart, call: str, expected: dict[str, str]
) -> None:
    source = "{% from 'bootstrap/utils.html' import render_icon %}{{ " + call + " }}"
    html = await render(app, source)
    page = Page(html)
    assert page.blocked == []
    assert page.all("svg", **{"viewbox": "0 0 16 16"})[0].items() >= expected.items()
    assert page.all("path")
    assert len(html) < 2000


async def test_icons_from_the_font(app: quart.Quart) -> None:
    html = await render(
        app,
        "{% from 'bootstrap/utils.html' import render_icon %}{{ bootstrap.load_icon_font_css() }}"
        "{{ render_icon('gear', color='danger', font=True) }}",
    )
    page = Page(html)
    assert page.blocked == []
    assert page.all("i", class_="bi-gear text-danger")
    assert page.all("link", rel="stylesheet")


async def test_icon_names_are_checked(app: quart.Quart) -> None:
    with pytest.raises(IconNotFoundError, match="Did you mean 'gear'"):
        await render(app, "{{ bootstrap.icon('gears') }}")
    with pytest.raises(IconNotFoundError, match="Check the name"):
        await render(app, "{{ bootstrap.icon('zzzzzz') }}")


async def test_names_of_flask_bootstrap_3(app: quart.Quart) -> None:
    source = """
        {% from 'bootstrap/utils.html' import flashed_messages, icon, form_button %}
        {% from 'bootstrap/fixes.html' import ie8 %}{{ ie8() }}
        {{ flashed_messages(dismissible=True) }}{{ icon('gear', 'me-1') }}
        {{ form_button('/item/1', 'Delete <all>', class='btn-danger', name='x') }}
        <link href="{{ bootstrap_find_resource('css/bootstrap.css', cdn='bootstrap') }}">
    """
    async with app.test_request_context("/list/goods"):
        await flash("Saved")
        html = await render_template_string(source)
    page = Page(html)
    assert page.blocked == []
    assert page.all("div", role="alert")
    assert page.all("svg", class_="bi me-1")
    assert page.all("form", action="/item/1", method="post")
    assert page.all("button", type="submit", class_="btn btn-danger", name="x")
    assert "Delete &lt;all&gt;" in html
    assert (
        page.all("link")[0]["href"]
        == "/bootstrap/static/css/bootstrap.min.css?v=" + installed().version
    )
    with pytest.raises(MacroUseError, match=r"'jquery\.js' is no file of Bootstrap 5"):
        await render(app, "{{ bootstrap_find_resource('jquery.js', cdn='jquery') }}")
    with pytest.raises(MacroUseError, match="a file of your own"):
        await render(
            app, "{% from 'bootstrap/google.html' import analytics %}{{ analytics('UA-1') }}"
        )


async def test_form_button_carries_the_token(app: quart.Quart) -> None:
    CSRFProtect(app)
    source = "{% from 'bootstrap/utils.html' import form_button %}"
    post = Page(await render(app, source + "{{ form_button('/', 'Go') }}"))
    assert post.all("input", type="hidden", name="csrf_token")
    get = Page(await render(app, source + "{{ form_button('/', 'Go', method='get') }}"))
    assert not get.all("input")


async def test_switch(app: quart.Quart) -> None:
    class Settings(Form):
        news = SwitchField("News")

    source = "{% from 'bootstrap/form.html' import render_field %}{{ render_field(form.news) }}"
    assert "form-switch" in await render(app, source, form=Settings())


# --- tables and pages -----------------------------------------------------------


async def test_table(app: quart.Quart) -> None:
    app.jinja_env.globals["csrf_token"] = lambda: "token-of-the-session"
    html = await render(
        app,
        """{% from 'bootstrap/table.html' import render_table %}
        {{ render_table(rows, [('id', '#'), ('name', 'Name')], show_actions=True, responsive=True,
                        view_url=('item', [('id', ':id')]), edit_url=('item', [('id', ':id')]),
                        delete_url=('item', [('id', ':id')]), new_url='/new') }}""",
        rows=[{"id": 1, "name": "<Ada>"}, {"id": 2, "name": "Bob"}],
    )
    page = Page(html)
    assert page.blocked == []
    assert "&lt;Ada&gt;" in html
    assert {link["href"] for link in page.all("a")} == {"/new", "/item/1", "/item/2"}
    assert [form["action"] for form in page.all("form", method="post")] == ["/item/1", "/item/2"]
    assert len(page.all("input", name="csrf_token", value="token-of-the-session")) == 2


async def test_table_finds_its_titles(app: quart.Quart) -> None:
    class Good:
        id = 1
        full_name = "Tea"
        __table__ = Table(
            "good",
            MetaData(),
            Column("id", Integer, primary_key=True),
            Column("full_name", String),
            Column("_secret", String),
        )

    source = "{% from 'bootstrap/table.html' import render_table %}{{ render_table(rows) }}"
    html = await render(app, source, rows=[Good(), Good()])
    assert re.findall(r'<th scope="col">(.*?)</th>', html) == ["#", "Full name"]
    assert Page(await render(app, source, rows=[])).all("table")


async def test_table_with_delete_needs_csrf(app: quart.Quart) -> None:
    with pytest.raises(MacroUseError, match="CSRFProtect"):
        await render(
            app,
            """{% from 'bootstrap/table.html' import render_table %}
            {{ render_table([{'id': 1}], [('id', '#')], show_actions=True, delete_url='/x') }}""",
        )


@dataclass
class Pages:
    page: int
    pages: int

    @property
    def has_prev(self) -> bool:
        return self.page > 1

    @property
    def has_next(self) -> bool:
        return self.page < self.pages

    @property
    def prev_num(self) -> int | None:
        return self.page - 1 if self.has_prev else None

    @property
    def next_num(self) -> int | None:
        return self.page + 1 if self.has_next else None

    def iter_pages(self) -> list[int | None]:
        return [1, 2, None, self.pages]


async def test_pagination_keeps_path_and_query(app: quart.Quart) -> None:
    html = await render(
        app,
        "{% from 'bootstrap/pagination.html' import render_pagination %}"
        "{{ render_pagination(pages, size='sm', align='center', fragment='list') }}",
        path="/list/goods?state=a&state=b&q=x%26y&page=2",
        pages=Pages(2, 9),
    )
    page = Page(html)
    assert page.blocked == []
    kept = "/list/goods?state=a&state=b&q=x%26y&page={}#list"
    assert [a["href"] for a in page.all("a")] == [kept.format(n) for n in (1, 1, 9, 3)]
    assert [a.get("rel") for a in page.all("a")] == ["prev", None, None, "next"]
    assert page.all("li", **{"class": "page-item active", "aria-current": "page"})
    assert page.all("li", class_="page-item disabled")
    assert page.all("ul", class_="pagination pagination-sm justify-content-center")


async def test_pager_ends_at_both_ends(app: quart.Quart) -> None:
    source = "{% from 'bootstrap/pagination.html' import render_pager %}{{ render_pager(pages) }}"
    first = Page(await render(app, source, path="/list/goods?q=x", pages=Pages(1, 2)))
    last = Page(await render(app, source, path="/list/goods?q=x&page=2", pages=Pages(2, 2)))
    assert [a["href"] for a in first.all("a")] == ["/list/goods?q=x&page=2"]
    assert [a["href"] for a in last.all("a")] == ["/list/goods?q=x&page=1"]


async def test_pagination_of_another_endpoint(app: quart.Quart) -> None:
    html = await render(
        app,
        "{% from 'bootstrap/pagination.html' import render_pagination %}"
        "{{ render_pagination(pages, endpoint='item', args={'id': 7}, prev=none, next=none) }}",
        path="/list/goods?q=x",
        pages=Pages(1, 5),
    )
    assert [a["href"] for a in Page(html).all("a")] == ["/item/7?page=2", "/item/7?page=5"]
