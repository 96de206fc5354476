"""Texts are translated in views, templates, JSON and flashes; catalogues are read in time."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from babel import Locale
from quart import Quart, flash, render_template_string

import quarterdeck.app
from quarterdeck.babel import (
    Babel,
    Domain,
    force_locale,
    get_babel,
    get_domain,
    get_translations,
    gettext,
    lazy_gettext,
    lazy_ngettext,
    lazy_npgettext,
    lazy_pgettext,
    ngettext,
    npgettext,
    pgettext,
)
from quarterdeck.exceptions import (
    CatalogError,
    ConfigurationError,
    ExtensionAlreadyInitializedError,
)
from quarterdeck.session import Session

from .conftest import FIRST, GERMAN, write

MakeApp = Callable[..., Quart]
TEST = Domain(domain="test")
HELLO = lazy_gettext("Hello %(name)s!", name="<Ada>")


@pytest.fixture
def german(make_app: MakeApp) -> Quart:
    return make_app(default_locale="de_DE")


@pytest.mark.feature("BA1")
async def test_the_functions_of_the_family(german: Quart) -> None:
    async with german.test_request_context("/"):
        assert gettext("Hello %(name)s!", name="Peter") == "Hallo Peter!"
        assert [ngettext("%(num)s Apple", "%(num)s Apples", n) for n in (1, 3)] == [
            "1 Apfel",
            "3 Äpfel",
        ]
        assert (pgettext("month", "May"), pgettext("verb", "May")) == ("Mai", "May")
        assert npgettext("fruit", "%(num)s date", "%(num)s dates", num=2) == "2 Datteln"
        assert str(get_translations().gettext("Yes")) == "Ja"


async def test_a_text_is_a_format_only_with_variables(german: Quart) -> None:
    async with german.test_request_context("/"):
        assert gettext("Test %s") == "Test %s"
        assert gettext("Test %(name)s", name="test") == "Test test"
        assert gettext("Test %s") % "test" == "Test test"


@pytest.mark.parametrize("made_by", [Quart, quarterdeck.app.Quart])
async def test_templates_escape_variables_and_not_the_text(
    made_by: type[Quart], catalogs: Path
) -> None:
    app = made_by(__name__, root_path=str(catalogs))
    await asyncio.to_thread(Babel, app, default_locale="de")
    async with app.test_request_context("/"):
        page = await render_template_string(
            "{{ _('Hello %(name)s!', name=name) }}|{{ gettext('Yes') }}"
            "|{{ ngettext('%(num)s Apple', '%(num)s Apples', 3) }}|{{ pgettext('month', 'May') }}"
            "|{{ npgettext('fruit', '%(num)s date', '%(num)s dates', 1) }}"
            "|{% trans %}Hello {{ name }}!{% endtrans %}"
            "|{% trans num=3 %}{{ num }} Apple{% pluralize %}{{ num }} Apples{% endtrans %}"
            "|{% trans num=5 %}{{ num }} % of <b>all</b>{% endtrans %}|{{ lazy }}",
            name="<i>",
            lazy=HELLO,
        )
        text = await render_template_string(
            "{% autoescape false %}{{ _('Hello %(name)s!', name=name) }}{% endautoescape %}",
            name="<i>",
        )
    assert page.split("|") == [
        "Hallo &lt;i&gt;!",
        "Ja",
        "3 Äpfel",
        "Mai",
        "1 Dattel",
        "Hallo &lt;i&gt;!",
        "3 Äpfel",
        "5 % von <b>allen</b>",
        "Hallo &lt;Ada&gt;!",
    ]
    assert text == "Hallo <i>!"


async def test_lazy_texts_are_made_for_each_reader(german: Quart) -> None:
    apples = lazy_ngettext("%(num)s Apple", "%(num)s Apples", 2)
    assert str(HELLO) == "Hello <Ada>!"
    async with german.test_request_context("/"):
        assert str(HELLO) == "Hallo <Ada>!"
        assert HELLO.__html__() == "Hallo &lt;Ada&gt;!"
        assert str(apples) == "2 Äpfel"
        assert str(lazy_pgettext("month", "May")) == "Mai"
        assert str(lazy_npgettext("fruit", "%(num)s date", "%(num)s dates", 1)) == "1 Dattel"
        assert str(TEST.lazy_gettext("first")) == "erste"
    get_babel(german).default_locale = "en_US"
    async with german.test_request_context("/"):
        assert str(apples) == "2 Apples"


def test_lazy_texts_behave_as_text() -> None:
    text: Any = lazy_gettext("Foo")
    assert (text, text + "d", "a" + text, text * 2, text[0], "oo" in text, len(text)) == (
        ("Foo", "Food", "aFoo", "FooFoo", "F", True, 3)
    )
    assert (text.upper(), f"{text:>4}", list(text), sorted([text, "Bar"])) == (
        ("FOO", " Foo", ["F", "o", "o"], ["Bar", "Foo"])
    )
    assert lazy_gettext("Hello %(name)s") % {"name": "test"} == "Hello test"
    assert "Hello %s" % text == "Hello Foo"  # noqa: UP031
    assert pickle.loads(pickle.dumps(text)) == copy.deepcopy(text) == text  # noqa: S301
    assert not lazy_gettext("")
    assert {text: 1}["Foo"] == 1


@pytest.mark.parametrize("made_by", [Quart, quarterdeck.app.Quart])
async def test_lazy_texts_in_json_and_flashes(made_by: type[Quart], catalogs: Path) -> None:
    app = made_by(__name__, root_path=str(catalogs))
    app.secret_key = "x" * 40
    Babel(app, default_locale="de")
    if made_by is not Quart:
        Session(app)

    @app.get("/")
    async def index() -> dict[str, Any]:
        await flash(cast(Any, HELLO))
        return {"text": HELLO, "flashed": await render_template_string("{{ text }}", text=HELLO)}

    @app.get("/flashed")
    async def flashed() -> str:
        return await render_template_string("{{ get_flashed_messages()[0] }}")

    async with app.test_app() as tested:
        client = tested.test_client()
        answer = await (await client.get("/")).get_json()
        assert answer == {"text": "Hallo <Ada>!", "flashed": "Hallo &lt;Ada&gt;!"}
        assert await (await client.get("/flashed")).get_data(as_text=True) == "Hallo &lt;Ada&gt;!"


async def test_domains(german: Quart, catalogs: Path, make_app: MakeApp) -> None:
    elsewhere = Domain(str(catalogs / "more"))
    async with german.test_request_context("/"):
        assert (TEST.gettext("first"), gettext("first")) == ("erste", "first")
        TEST.as_default()
        assert (gettext("first"), get_domain()) == ("erste", TEST)
    app = await asyncio.to_thread(make_app, default_locale="de", default_domain="test")
    async with app.test_request_context("/"):
        assert gettext("first") == "erste"
    app = await asyncio.to_thread(make_app, default_locale="de")
    async with app.test_request_context("/"):
        assert elsewhere.gettext("Good bye") == "Tschüs"
        assert elsewhere.gettext("Yes") == "Yes"
    with pytest.raises(RuntimeError, match="needs a request"):
        TEST.as_default()


async def test_several_folders(make_app: MakeApp) -> None:
    folders = {"BABEL_TRANSLATION_DIRECTORIES": "translations;more", "BABEL_DEFAULT_LOCALE": "de"}
    app = await asyncio.to_thread(make_app, folders)
    async with app.test_request_context("/"):
        assert (gettext("Yes"), gettext("Good bye")) == ("Ja", "Tschüs")
        babel = get_babel().instance
        assert [str(each) for each in babel.list_translations()] == ["de", "ja", "de"]
        assert (babel.domain, str(babel.default_locale)) == ("messages", "de")
        assert (str(babel.default_timezone), babel.domain_instance) == ("UTC", get_domain())
    other_names = await asyncio.to_thread(make_app, folders | {"BABEL_DOMAIN": "test;messages"})
    async with other_names.test_request_context("/"):
        assert (gettext("first"), gettext("Good bye"), gettext("Yes")) == ("erste", "Tschüs", "Yes")
    with pytest.raises(ConfigurationError, match="has 3 names for 2 folders"):
        make_app(folders | {"BABEL_DOMAIN": "a;b;c"})


@pytest.mark.parametrize(
    "config",
    [
        {},
        {
            "BABEL_TRANSLATION_DIRECTORIES": "translations;more",
            "BABEL_DOMAIN": "messages;messages",
        },
    ],
)
async def test_plurals_of_each_language(make_app: MakeApp, config: dict[str, Any]) -> None:
    app = await asyncio.to_thread(make_app, config)
    async with app.test_request_context("/"):
        found = {}
        for locale in ("de_DE", "ja"):
            with force_locale(locale):
                found[locale] = [ngettext("%(num)s Apple", "%(num)s Apples", n) for n in (1, 2)]
    assert found == {"de_DE": ["1 Apfel", "2 Äpfel"], "ja": ["リンゴ 1 個", "リンゴ 2 個"]}


async def test_list_translations_has_the_default_locale_once(make_app: MakeApp) -> None:
    for default, expected in (("de_DE", ["de", "ja", "de_DE"]), ("de", ["de", "ja"])):
        app = await asyncio.to_thread(make_app, default_locale=default)
        async with app.app_context():
            assert [str(each) for each in get_babel().instance.list_translations()] == expected


async def test_one_extension_for_several_apps(catalogs: Path) -> None:
    babel = Babel()
    apps = {}
    for locale in ("de_DE", "en_US"):
        apps[locale] = Quart(__name__, root_path=str(catalogs))
        await asyncio.to_thread(babel.init_app, apps[locale], default_locale=locale)
    with pytest.raises(ExtensionAlreadyInitializedError):
        babel.init_app(apps["de_DE"])
    for locale, text in (("de_DE", "Ja"), ("en_US", "Yes")):
        async with apps[locale].test_request_context("/"):
            assert gettext("Yes") == text


def test_without_an_app_texts_stay_as_they_are() -> None:
    assert gettext("Hello %(name)s!", name="Ada") == "Hello Ada!"
    assert ngettext("%(num)s Apple", "%(num)s Apples", 2) == "2 Apples"
    assert get_translations().gettext("Yes") == "Yes"


async def test_an_app_made_on_the_event_loop_reads_its_files_when_it_starts(
    catalogs: Path,
) -> None:
    """A blocking call on the loop fails the test."""
    app = Quart(__name__, root_path=str(catalogs))
    Babel(app, default_locale="de")

    @app.get("/")
    async def index() -> str:
        return gettext("Yes")

    async with app.test_app() as tested:
        assert await (await tested.test_client().get("/")).get_data(as_text=True) == "Ja"


def test_catalogues_are_compiled_when_their_source_is_newer(tmp_path: Path) -> None:
    source = write(tmp_path / "translations", "de", GERMAN)
    compiled = source.with_suffix(".mo")

    def yes() -> str:
        app = Quart(__name__, root_path=str(tmp_path))
        Babel(app, default_locale="de")
        folders = get_babel(app).translation_directories
        return get_babel(app).catalogs.get(Locale("de"), folders, ["messages"]).text("Yes")

    assert yes() == "Ja"
    assert compiled.exists()
    write(tmp_path / "translations", "de", GERMAN.replace('"Ja"', '"Jawohl"'))
    assert yes() == "Jawohl"
    source.unlink()
    assert yes() == "Jawohl"
    compiled.write_bytes(b"no catalogue")
    with pytest.raises(CatalogError, match=r"messages\.mo"):
        yes()
    write(tmp_path / "translations", "de", FIRST + "\nmsgid no quotes\n")
    with pytest.raises(CatalogError, match="babel compile"):
        yes()


QUICK = """{% macro m() %}{{ _("Yes") }}{{ gettext("Yes") }}{% endmacro %}{{ m() }}
{% for _ in [own] %}{{ _("Yes") }}{% endfor %}{{ _("100 %% <b>") }}
{% autoescape false %}{{ _("A & B") }}{% endautoescape %}{{ _("A & B") ~ "<" }}"""


@pytest.mark.parametrize("is_async", [False, True])
async def test_constant_texts_are_those_of_each_reader(catalogs: Path, is_async: bool) -> None:
    """Also in macros that are imported once, and under a name that means another function."""
    app = quarterdeck.app.Quart(__name__, root_path=str(catalogs))
    app.config["JINJA_ASYNC"] = is_async
    await asyncio.to_thread(Babel, app)
    for code, yes in (("en", "Yes"), ("de", "Ja")) * 2:
        async with app.app_context():
            with force_locale(code):
                page = await render_template_string(QUICK, own=lambda text: f"{text}<")
        text = (yes * 2, "Yes&lt;100 % <b>", "A & BA & B&lt;")
        assert page.split("\n") == [*text]
