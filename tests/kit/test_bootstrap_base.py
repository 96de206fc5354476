"""The base template, the static files and the extension of Bootstrap."""

from __future__ import annotations

import gzip
import subprocess
import sys

import pytest
import quart
from quart import render_template_string

from quarterdeck.app import Quart
from quarterdeck.bootstrap import Bootstrap
from quarterdeck.bootstrap.package import installed
from quarterdeck.exceptions import (
    BootstrapMissingError,
    ConfigurationError,
    ExtensionAlreadyInitializedError,
)

from .bootstrap_app import Page, render


@pytest.fixture(params=[quart.Quart, Quart], ids=["async-jinja", "sync-jinja"])
def app(request: pytest.FixtureRequest) -> quart.Quart:
    app: quart.Quart = request.param(__name__)
    app.config.update(SECRET_KEY="test", PROPAGATE_EXCEPTIONS=True)
    Bootstrap(app)
    assert app.jinja_env.is_async is (request.param is quart.Quart)
    app.add_url_rule("/list/<kind>", "list", lambda kind: kind)
    app.add_url_rule("/item/<int:id>", "item", lambda id: str(id))
    return app


# --- the base template ----------------------------------------------------------

BLOCKS = "doc html_attribs html head title metas styles body_attribs body navbar content scripts"


@pytest.mark.feature("BS1")
@pytest.mark.parametrize("block", BLOCKS.split())
async def test_base_template_has_the_block(app: quart.Quart, block: str) -> None:
    html = await render(
        app,
        "{% extends 'bootstrap/base.html' %}{% block "
        + block
        + " %}{{ super() }} data-mark {% endblock %}",
    )
    assert html.count("data-mark") == 1
    page = Page(html)
    assert page.blocked == []
    assert [tag for tag, _ in page.tags][:2] == ["html", "head"]
    assert page.all("body")


async def test_base_template_links_local_files_that_exist(app: quart.Quart) -> None:
    page = Page(await render(app, "{% extends 'bootstrap/base.html' %}"))
    links = [a["href"] for a in page.all("link")] + [a["src"] for a in page.all("script")]
    assert len(links) == 3
    for link in links:
        assert link is not None
        assert (await app.test_client().get(link)).status_code == 200


async def test_scripts_take_a_nonce(app: quart.Quart) -> None:
    html = await render(app, "{{ bootstrap.load_js(nonce='abc', with_popper=False) }}")
    assert [script["nonce"] for script in Page(html).all("script")] == ["abc"]


# --- static files ---------------------------------------------------------------


@pytest.mark.feature("T4")
@pytest.mark.hazard("Bootstrap-Flask's loader and static route do not work on Quart")
async def test_static_files(app: quart.Quart) -> None:
    async with app.test_request_context("/"):
        url = app.url_for("bootstrap.static", filename="css/bootstrap.min.css")
    assert f"v={installed().version}" in url
    client = app.test_client()
    response = await client.get(url, headers={"Accept-Encoding": "gzip, br"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Accept-Encoding" in response.vary
    assert response.mimetype == "text/css"
    sent = await response.get_data(as_text=False)
    assert len(sent) < 40_000
    plain = await client.get(url)
    assert "Content-Encoding" not in plain.headers
    assert await plain.get_data(as_text=False) == gzip.decompress(sent)
    assert plain.headers["ETag"] != response.headers["ETag"]

    again = await client.get(
        url, headers={"Accept-Encoding": "gzip", "If-None-Match": response.headers["ETag"]}
    )
    assert again.status_code == 304
    assert await again.get_data(as_text=False) == b""


async def test_another_version_is_not_cached_for_long(app: quart.Quart) -> None:
    response = await app.test_client().get("/bootstrap/static/js/bootstrap.min.js?v=0")
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "public, max-age=0"


@pytest.mark.parametrize(
    "path", ["css/missing.css", "../__init__.py", "..%2f__init__.py", "%2fetc%2fpasswd", "css"]
)
async def test_nothing_else_is_served(app: quart.Quart, path: str) -> None:
    response = await app.test_client().get(f"/bootstrap/static/{path}")
    assert response.status_code in {308, 400, 404}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("css/font/fonts/bootstrap-icons.woff2", "font/woff2"),
        ("js/bootstrap.min.js", "text/javascript"),
        ("css/bootstrap.min.css.map", "application/json"),
    ],
)
async def test_media_types(app: quart.Quart, path: str, kind: str) -> None:
    response = await app.test_client().get(f"/bootstrap/static/{path}")
    assert response.mimetype == kind


@pytest.fixture
def themed() -> quart.Quart:
    app = quart.Quart(__name__)
    app.config["BOOTSTRAP_BOOTSWATCH_THEME"] = "Lumen"
    Bootstrap(app)
    return app


async def test_themes_ask_no_foreign_host(themed: quart.Quart) -> None:
    source = (installed().static / "css/bootswatch/lumen/bootstrap.min.css").read_text("utf-8")
    assert "@import url(https://" in source
    async with themed.test_request_context("/"):
        html = await render_template_string("{{ bootstrap.load_css() }}")
    link = Page(html).all("link")[0]["href"]
    assert link is not None
    css = await (await themed.test_client().get(link)).get_data(as_text=True)
    assert "@import" not in css
    assert len(css) > 200_000


# --- the extension --------------------------------------------------------------


def test_unknown_theme() -> None:
    app = quart.Quart(__name__)
    app.config["BOOTSTRAP_BOOTSWATCH_THEME"] = "nope"
    with pytest.raises(ConfigurationError, match="Choose one of brite, cerulean"):
        Bootstrap(app)
    assert "bootstrap" not in app.extensions


def test_the_package_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(BootstrapMissingError, match=r"pip install 'quarterdeck\[bootstrap\]'"):
        installed.__wrapped__()


def test_init_app_twice(app: quart.Quart) -> None:
    with pytest.raises(ExtensionAlreadyInitializedError):
        Bootstrap().init_app(app)


def test_flask_bootstrap_is_not_imported() -> None:
    program = (
        "import sys; from quart import Quart; from quarterdeck.bootstrap import Bootstrap;"
        "Bootstrap(Quart('x')); sys.exit('flask_bootstrap' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
