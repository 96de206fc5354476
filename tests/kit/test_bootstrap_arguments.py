"""The arguments and config keys of the macros, on the templates of the installed package."""

from __future__ import annotations

import asyncio
import enum
from typing import Any

import pytest
from quart import flash, render_template_string
from wtforms import (
    BooleanField,
    DecimalRangeField,
    FileField,
    Form,
    HiddenField,
    IntegerField,
    IntegerRangeField,
    MultipleFileField,
    PasswordField,
    RadioField,
    StringField,
    SubmitField,
)
from wtforms.validators import DataRequired

from quarterdeck.app import Quart
from quarterdeck.bootstrap import Bootstrap, SwitchField
from quarterdeck.exceptions import ConfigurationError
from quarterdeck.sqlalchemy import SQLAlchemy
from quarterdeck.wtf import CSRFProtect, QuartForm

from .bootstrap_app import CHOICES, Page

pytestmark = pytest.mark.feature("BS1")

FORM = "{% from 'bootstrap/form.html' import render_form %}"
FIELD = "{% from 'bootstrap/form.html' import render_field %}"
ROW = "{% from 'bootstrap/form.html' import render_form_row %}"
TABLE = "{% from 'bootstrap/table.html' import render_table %}"
ICON = "{% from 'bootstrap/utils.html' import render_icon %}"
MESSAGES = "{% from 'bootstrap/utils.html' import render_messages %}"


class Hello(QuartForm):
    name = StringField("Name")
    username = StringField("Username", [DataRequired()])
    password = PasswordField("Password", render_kw={"class": "mine"})
    remember = BooleanField("Remember me", description="Just check this")
    hidden = HiddenField("Hidden")
    submit = SubmitField()


def build_app(**config: Any) -> Quart:
    app = Quart(__name__)
    app.config.update({"SECRET_KEY": "test", "PROPAGATE_EXCEPTIONS": True} | config)
    Bootstrap(app)
    app.add_url_rule("/list/<kind>", "list", lambda kind: kind)
    app.add_url_rule("/item/<int:id>/of/<owner>", "item", lambda id, owner: "")
    return app


async def make_app(**config: Any) -> Quart:
    """Make an app as a server does, before its event loop."""
    return await asyncio.to_thread(build_app, **config)


async def render(app: Quart, source: str, path: str = "/list/goods", **values: Any) -> str:
    async with app.test_request_context(path):
        values = {key: make() if isinstance(make, type) else make for key, make in values.items()}
        return await render_template_string(source, **values)


class TestFields:
    async def test_classes_of_the_field_and_of_the_call(self) -> None:
        source = FIELD + "{{ render_field(form.name, class='other') }}{{ render_field(form.{}) }}"
        html = await render(await make_app(), source.replace("{}", "password"), form=Hello)
        page = Page(html)
        assert page.all("input", name="name")[0]["class"] == "form-control other"
        assert page.all("input", name="password")[0]["class"] == "form-control mine"

    async def test_further_attributes(self) -> None:
        html = await render(
            await make_app(),
            FIELD + "{{ render_field(form.username, placeholder='p') }}"
            "{{ render_field(form.remember, class='test', value='n') }}"
            "{{ render_field(form.submit, value='Go') }}",
            form=Hello,
        )
        page = Page(html)
        assert page.all("input", name="username", placeholder="p")
        assert page.all("input", name="remember", class_="form-check-input test", value="n")
        assert page.all("input", name="submit", class_="btn btn-primary btn-md", value="Go")

    async def test_hidden_fields_have_no_label(self) -> None:
        app = await make_app()
        CSRFProtect(app)
        source = FIELD + "{{ render_field(form.csrf_token) }}{{ render_field(form.hidden) }}"
        page = Page(await render(app, source, form=Hello))
        assert len(page.all("input", type="hidden")) == 2
        assert not page.all("label")

    async def test_descriptions_and_kinds(self) -> None:
        class Kinds(QuartForm):
            switch = SwitchField("Switch", description="Just flip this")
            remember = BooleanField("Remember me", description="Just check this")
            decimal = DecimalRangeField()
            integer = IntegerRangeField(render_kw={"min": "0", "max": "4"})

        html = await render(await make_app(), FORM + "{{ render_form(form) }}", form=Kinds)
        page = Page(html)
        assert page.all("input", name="switch", role="switch")
        assert "Just flip this</small>" in html
        assert "Just check this</small>" in html
        assert len(page.all("input", type="range", class_="form-range")) == 2
        assert page.all("input", name="integer", min="0", max="4")

    @pytest.mark.parametrize("kind", [FileField, MultipleFileField])
    async def test_uploads_change_the_encoding(self, kind: Any) -> None:
        class Upload(QuartForm):
            file = kind("File")

        html = await render(await make_app(), FORM + "{{ render_form(form) }}", form=Upload)
        assert Page(html).all("form", enctype="multipart/form-data")

    async def test_errors_of_choices(self) -> None:
        class Choices(QuartForm):
            remember = BooleanField("Remember", [DataRequired("Tick it.")])
            option = RadioField(choices=CHOICES, validators=[DataRequired("One.")])

        form = Choices()
        await form.validate()
        html = await render(await make_app(), FORM + "{{ render_form(form) }}", form=form)
        assert "Tick it." in html
        assert "One." in html

    @pytest.mark.parametrize("kind", ["basic", "inline", "horizontal"])
    async def test_classes_of_labels_and_descriptions(self, kind: str) -> None:
        words = {"label_class": "l", "radio_class": "r", "description_class": "d"}

        class Styled(QuartForm):
            tick = BooleanField("Tick", description="Tick text", render_kw=words)
            number = IntegerField("Number", description="Number text", render_kw=words)
            option = RadioField("Option", choices=CHOICES, render_kw=words)

        source = FORM + "{{ render_form(form, form_type=kind) }}"
        page = Page(await render(await make_app(), source, form=Styled, kind=kind))
        labels = {each.get("for"): str(each["class"]).split()[-1] for each in page.all("label")}
        assert (labels["tick"], labels["number"], labels["option-0"]) == ("l", "l", "r")
        small = [str(each["class"]).split()[-1] for each in page.all("small")]
        assert small == ["d"] * (1 if kind == "inline" else 2)


class TestForms:
    @pytest.mark.parametrize(
        ("config", "call", "button"),
        [
            ({}, "", "btn btn-primary btn-md"),
            (
                {"BOOTSTRAP_BTN_SIZE": "lg", "BOOTSTRAP_BTN_STYLE": "secondary"},
                "",
                "btn btn-secondary btn-lg",
            ),
            (
                {"BOOTSTRAP_BTN_SIZE": "lg"},
                ", button_size='sm', button_style='success'",
                "btn btn-success btn-sm",
            ),
            ({}, ", button_map={'submit': 'warning'}", "btn btn-warning btn-md"),
        ],
    )
    async def test_buttons(self, config: dict[str, str], call: str, button: str) -> None:
        source = FORM + "{{ render_form(form" + call + ") }}"
        page = Page(await render(await make_app(**config), source, form=Hello))
        assert [each["class"] for each in page.all("input", type="submit")] == [button]

    @pytest.mark.parametrize(
        ("config", "call", "group"),
        [
            ({}, "", "mb-3"),
            ({}, ", form_group_classes='mb-2'", "mb-2"),
            ({"BOOTSTRAP_FORM_GROUP_CLASSES": "mb-4"}, "", "mb-4"),
        ],
    )
    async def test_groups(self, config: dict[str, str], call: str, group: str) -> None:
        source = FORM + "{{ render_form(form" + call + ") }}"
        page = Page(await render(await make_app(**config), source, form=Hello))
        found = {str(each["class"]).split()[0] for each in page.all("div") if "mb" in str(each)}
        assert found == {group}

    @pytest.mark.parametrize(
        ("config", "call", "classes"),
        [
            ({}, "", "row row-cols-lg-auto g-3 align-items-center"),
            ({}, ", form_inline_classes='own'", "own"),
            ({"BOOTSTRAP_FORM_INLINE_CLASSES": "own"}, "", "own"),
        ],
    )
    async def test_inline(self, config: dict[str, str], call: str, classes: str) -> None:
        source = FORM + "{{ render_form(form, form_type='inline'" + call + ") }}"
        html = await render(await make_app(**config), source, form=Hello)
        assert classes in str(Page(html).all("form")[0]["class"])
        assert '<label class="visually-hidden' in html

    @pytest.mark.parametrize(
        ("call", "classes"),
        [
            ("", ["row", "col", "col"]),
            (", row_class='g-2'", ["g-2", "col", "col"]),
            (", col_class_default='col-md-6'", ["row", "col-md-6", "col-md-6"]),
            (", col_map={'username': 'col-md-8'}", ["row", "col-md-8", "col"]),
        ],
    )
    async def test_rows(self, call: str, classes: list[str]) -> None:
        source = ROW + "{{ render_form_row([form.username, form.name]" + call + ") }}"
        page = Page(await render(await make_app(), source, form=Hello))
        found = [str(each["class"]) for each in page.all("div")]
        assert [each for each in found if not each.startswith("mb")] == classes

    async def test_errors_of_hidden_fields(self) -> None:
        class Hiding(Form):
            hide = HiddenField(validators=[DataRequired("Hide is empty.")])

        form = Hiding()
        form.validate()
        source = (
            "{% from 'bootstrap/form.html' import render_hidden_errors %}"
            "{{ render_hidden_errors(form) }}"
        )
        assert "Hide is empty." in await render(await make_app(), source, form=form)


class TestMessages:
    @pytest.mark.parametrize(
        ("call", "found", "missing"),
        [
            ("", 'class="alert alert-danger', "dismissible"),
            ("container=True", 'class="container flashed-messages"', "dismissible"),
            ("dismissible=True", 'class="btn-close" data-bs-dismiss="alert"', "fade show"),
            ("dismissible=True, dismiss_animate=True", "fade show", "container"),
        ],
    )
    async def test_arguments(self, call: str, found: str, missing: str) -> None:
        async with (await make_app()).test_request_context("/"):
            await flash("text", "danger")
            html = await render_template_string(MESSAGES + "{{ render_messages(" + call + ") }}")
        assert found in html
        assert missing not in html


class TestIcons:
    async def test_defaults_of_the_configuration(self) -> None:
        app = await make_app(BOOTSTRAP_ICON_SIZE=100, BOOTSTRAP_ICON_COLOR="success")
        page = Page(await render(app, ICON + "{{ render_icon('heart') }}"))
        assert page.all("svg", width="100", height="100", class_="bi text-success")
        font = Page(await render(app, ICON + "{{ render_icon('heart', font=True) }}"))
        assert font.all("i", class_="bi-heart text-success")

    async def test_title_and_description(self) -> None:
        source = ICON + "{{ render_icon('heart', title='Heart', desc='A <heart>.') }}"
        html = await render(await make_app(), source)
        assert "<title>Heart</title>" in html
        assert "<desc>A &lt;heart&gt;.</desc>" in html


class Category(enum.Enum):
    TEA = "Category A"


@pytest.fixture(name="rows")
def _rows() -> Any:
    db: Any = SQLAlchemy()

    class Message(db.Model):  # type: ignore[misc]
        id = db.Column(db.Integer, primary_key=True)
        text = db.Column(db.Text)
        category = db.Column(db.Enum(Category))

    return [
        Message(id=number, text=text, category=Category.TEA)
        for number, text in enumerate(("see https://t.me", "<em>b</em>"), start=1)
    ]


class TestTables:
    TITLES = "[('id', '#'), ('text', 'Message')]"

    async def table(self, rows: Any, call: str, app: Quart | None = None) -> str:
        source = TABLE + "{{ render_table(rows, " + self.TITLES + call + ") }}"
        return await render(app or await make_app(), source, rows=rows)

    async def test_plain(self, rows: Any) -> None:
        html = await self.table(rows, "")
        assert '<table class="table">' in html
        assert '<th scope="col">Message</th>' in html
        assert '<th scope="row">1</th>' in html
        assert "<td>see https://t.me</td>" in html
        assert "<td>&lt;em&gt;b&lt;/em&gt;</td>" in html

    async def test_html_of_the_app(self, rows: Any) -> None:
        assert "<td><em>b</em></td>" in await self.table(rows, ", safe_columns=('text',)")

    async def test_addresses(self, rows: Any) -> None:
        html = await self.table(rows, ", urlize_columns=('text',)")
        assert '<a href="https://t.me" rel="noopener">https://t.me</a>' in html

    async def test_classes_and_caption(self, rows: Any) -> None:
        html = await self.table(
            rows,
            ", table_classes='table-striped', header_classes='h', body_classes='b', caption='C',"
            " responsive=True, responsive_class='table-responsive-sm'",
        )
        assert '<table class="table table-striped">' in html
        assert '<thead class="h">' in html
        assert '<tbody class="b">' in html
        assert "<caption>C</caption>" in html
        assert '<div class="table-responsive-sm">' in html

    async def test_titles_and_values_of_a_model(self, rows: Any) -> None:
        html = await render(await make_app(), TABLE + "{{ render_table(rows) }}", rows=rows)
        assert '<th scope="col">#</th>' in html
        assert '<th scope="col">Category</th>' in html
        assert "Category" in html

    @pytest.mark.parametrize("kind", ["objects", "dictionaries"])
    async def test_actions(self, rows: Any, kind: str) -> None:
        app = await make_app(
            BOOTSTRAP_TABLE_VIEW_TITLE="Read",
            BOOTSTRAP_TABLE_EDIT_TITLE="Update",
            BOOTSTRAP_TABLE_DELETE_TITLE="Remove",
            BOOTSTRAP_TABLE_NEW_TITLE="Create",
        )
        CSRFProtect(app)
        if kind == "dictionaries":
            rows = [{"id": row.id, "text": row.text} for row in rows]
        url = "('item', [('id', ':id'), ('owner', 'me')])"
        html = await self.table(
            rows,
            f", show_actions=True, custom_actions=[('Resend', 'bootstrap-reboot', {url})],"
            f" view_url={url}, edit_url={url}, delete_url={url}, new_url='/new'",
            app,
        )
        page = Page(html)
        titles = ("Resend", "Read", "Update", "Remove", "Create")
        assert {title: html.count(f'title="{title}">') for title in titles} == {
            "Resend": 2,
            "Read": 2,
            "Update": 2,
            "Remove": 2,
            "Create": 1,
        }
        assert page.all("form", action="/item/1/of/me", method="post")
        assert page.blocked == []


class TestNavigation:
    async def test_badges(self) -> None:
        source = (
            "{% from 'bootstrap/nav.html' import render_nav_item %}"
            "{{ render_nav_item('list', 'Goods', kind='goods', _badge='beta', _use_li=True) }}"
        )
        html = await render(await make_app(), source)
        assert '<li class="nav-item">' in html
        assert '<span class="badge text-bg-light' in html

    @pytest.mark.parametrize(("path", "active"), [("/list/goods", True), ("/item/1/of/me", False)])
    async def test_the_item_of_the_page(self, path: str, active: bool) -> None:
        source = (
            "{% from 'bootstrap/nav.html' import render_nav_item, render_breadcrumb_item %}"
            "{{ render_nav_item('list', 'Goods', kind='goods') }}"
            "{{ render_breadcrumb_item('list', 'Goods', kind='goods') }}"
        )
        page = Page(await render(await make_app(), source, path))
        found = [each for each in page.tags if each[1].get("aria-current") == "page"]
        assert [tag for tag, _ in found] == (["a", "li"] if active else [])


@pytest.mark.parametrize("theme", ["lumen", "morph", "quartz", "vapor", "zephyr"])
async def test_themes_are_files_of_the_app(theme: str) -> None:
    app = await make_app(BOOTSTRAP_BOOTSWATCH_THEME=theme)
    link = Page(await render(app, "{{ bootstrap.load_css() }}")).all("link")[0]["href"]
    assert f"/bootstrap/static/css/bootswatch/{theme}/bootstrap.min.css" in str(link)
    assert (await app.test_client().get(str(link))).status_code == 200


async def test_a_theme_of_the_call() -> None:
    html = await render(await make_app(), "{{ bootstrap.load_css(bootswatch_theme='lumen') }}")
    assert "bootswatch/lumen/bootstrap.min.css" in html


async def test_scripts_with_and_without_popper() -> None:
    html = await render(await make_app(), "{{ bootstrap.load_js(nonce='n') }}")
    scripts = Page(html).all("script", nonce="n")
    assert ["popper" in str(each["src"]) for each in scripts] == [True, False]
    alone = await render(await make_app(), "{{ bootstrap.load_js(with_popper=False) }}")
    assert "popper" not in alone


async def test_templates_may_raise() -> None:
    with pytest.raises(Exception, match="not so"):
        await render(await make_app(), "{{ raise('not so') }}")


def test_a_theme_of_bootstrap_4_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="BOOTSTRAP_BOOTSWATCH_THEME"):
        build_app(BOOTSTRAP_BOOTSWATCH_THEME="paper")
