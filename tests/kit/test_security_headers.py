"""The headers of every response: strict, changed by a view, with a nonce on request."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from quart import abort, redirect, render_template_string, stream_template_string
from quart.views import View

from quarterdeck.app import Blueprint, Quart
from quarterdeck.exceptions import (
    ConfigurationError,
    ExtensionAlreadyInitializedError,
    NonceUnavailableError,
    SecurityPolicyError,
)
from quarterdeck.security import Security, csp_nonce, security_headers
from tests.wire import connected

from .serving_app import served

pytestmark = pytest.mark.feature("AP6")

STRICT = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
}


def make_app(tmp_path: Path, **changes: Any) -> Quart:
    (tmp_path / "app.css").write_text("p {}")
    app = Quart(__name__, static_folder=str(tmp_path))
    Security(app, **changes)

    @app.get("/")
    async def index() -> str:
        return "fine"

    @app.get("/away")
    async def away() -> Any:
        return redirect("/")

    @app.get("/bug")
    async def bug() -> str:
        raise RuntimeError("secret")

    @app.get("/nonce")
    async def nonce() -> str:
        return await render_template_string("{{ csp_nonce() }} {{ csp_nonce() }}")

    @app.get("/late")
    async def late() -> Any:
        return await stream_template_string("{{ csp_nonce() }}")

    @app.get("/early")
    async def early() -> Any:
        csp_nonce()
        return await stream_template_string("{{ csp_nonce() }}")

    @app.get("/own")
    async def own() -> Any:
        return "fine", {"Content-Security-Policy": "sandbox", "Referrer-Policy": "origin"}

    @app.get("/frame")
    @security_headers(
        content_security_policy={"frame-ancestors": "'self'", "img-src": None},
        cross_origin_resource_policy=None,
    )
    async def frame() -> str:
        return "fine"

    @app.websocket("/ws")
    @security_headers(referrer_policy="origin")
    async def ws() -> None:
        abort(403)

    return app


async def headers_of(app: Quart, path: str, **keys: Any) -> dict[str, str]:
    response = await app.test_client().get(path, **keys)
    return {name.lower(): value for name, value in response.headers.items()}


@pytest.mark.parametrize("path", ["/", "/away", "/bug", "/nowhere", "/static/app.css"])
async def test_every_response_is_strict(path: str, tmp_path: Path) -> None:
    headers = await headers_of(make_app(tmp_path), path)

    assert {name: headers.get(name) for name in STRICT} == STRICT


async def test_a_response_that_no_hook_sees_is_strict_too(tmp_path: Path) -> None:
    """Both the hooks after the request and the error page fail: the last resort is a plain 500."""
    app = make_app(tmp_path)

    @app.after_request
    async def fails(response: Any) -> Any:
        raise LookupError("no such hook")

    async with served(app) as (address, _), connected(address) as wire:
        await wire.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await wire.read_head()

    assert wire.status == 500
    assert {name: wire.headers.get(name) for name in STRICT} == STRICT


async def test_a_refused_websocket_has_the_headers_of_its_view(tmp_path: Path) -> None:
    async with served(make_app(tmp_path)) as (address, _), connected(address, "/ws") as wire:
        assert wire.status == 403
        assert wire.headers["referrer-policy"] == "origin"
        assert wire.headers["content-security-policy"] == STRICT["content-security-policy"]


async def test_a_header_of_the_response_itself_wins(tmp_path: Path) -> None:
    headers = await headers_of(make_app(tmp_path), "/own")

    assert headers["content-security-policy"] == "sandbox"
    assert headers["referrer-policy"] == "origin"
    assert headers["x-content-type-options"] == "nosniff"


async def test_a_view_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    headers = await headers_of(make_app(tmp_path), "/frame")

    assert headers["content-security-policy"] == (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'self'"
    )
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert "cross-origin-resource-policy" not in headers
    assert headers["referrer-policy"] == "same-origin"


async def test_a_hook_that_answers_itself_gets_the_headers_of_the_view(tmp_path: Path) -> None:
    app = make_app(tmp_path)

    @app.before_request
    async def closed() -> Any:
        return "closed", 503

    headers = await headers_of(app, "/frame")

    assert "frame-ancestors 'self'" in headers["content-security-policy"]


async def test_a_blueprint_changes_its_views_and_a_view_changes_that(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    blueprint = Blueprint("shared", __name__)
    security_headers(content_security_policy={"img-src": "https:"}, referrer_policy="origin")(
        blueprint
    )

    @security_headers(content_security_policy={"font-src": "data:"})
    class Page(View):
        async def dispatch_request(self, **_: Any) -> str:
            return "fine"

    blueprint.add_url_rule("/page", view_func=Page.as_view("page"))
    app.register_blueprint(blueprint)

    headers = await headers_of(app, "/page")

    assert "img-src https:" in headers["content-security-policy"]
    assert "font-src data:" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "origin"


async def test_decorators_of_one_view_add_up_and_the_outer_wins(tmp_path: Path) -> None:
    app = make_app(tmp_path)

    @app.get("/two")
    @security_headers(referrer_policy="origin")
    @security_headers(content_security_policy={"img-src": "https:"}, referrer_policy="no-referrer")
    async def two() -> str:
        return "fine"

    headers = await headers_of(app, "/two")

    assert "img-src https:" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "origin"


async def test_the_app_changes_the_policy_of_all(tmp_path: Path) -> None:
    app = make_app(
        tmp_path,
        content_security_policy="default-src 'none'; frame-ancestors https://a.example; sandbox",
        content_security_policy_report_only=True,
        permissions_policy=None,
    )

    headers = await headers_of(app, "/")

    assert headers["content-security-policy-report-only"] == (
        "default-src 'none'; frame-ancestors https://a.example; sandbox"
    )
    assert "content-security-policy" not in headers
    assert "x-frame-options" not in headers
    assert "permissions-policy" not in headers


# --- nonces -----------------------------------------------------------------------------


async def test_a_page_that_asks_for_a_nonce_gets_it_into_its_policy(tmp_path: Path) -> None:
    client = make_app(tmp_path).test_client()

    one, two = await client.get("/nonce"), await client.get("/nonce")

    first, again = (await one.get_data(as_text=True)).split()
    assert first == again
    assert re.fullmatch(r"[\w-]{22}", first)
    policy = one.headers["Content-Security-Policy"]
    assert f"script-src 'self' 'nonce-{first}'" in policy
    assert f"style-src 'self' 'nonce-{first}'" in policy
    assert first not in await two.get_data(as_text=True)
    assert "nonce" not in (await client.get("/")).headers["Content-Security-Policy"]


async def test_a_nonce_opens_what_none_closes(tmp_path: Path) -> None:
    app = make_app(
        tmp_path,
        content_security_policy={"script-src": "'none'", "script-src-elem": "https:"},
    )

    headers = await headers_of(app, "/nonce")

    assert re.search(r"script-src 'nonce-[\w-]+'; ", headers["content-security-policy"])
    assert re.search(r"script-src-elem https: 'nonce-", headers["content-security-policy"])


async def test_a_nonce_after_the_headers_is_an_error_that_names_the_remedy(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    app.config["PROPAGATE_EXCEPTIONS"] = True

    with pytest.raises(NonceUnavailableError, match="in the view before the page is streamed"):
        await app.test_client().get("/late")
    response = await app.test_client().get("/early")

    nonce = await response.get_data(as_text=True)
    assert nonce in response.headers["Content-Security-Policy"]


async def test_a_nonce_in_a_context_of_a_test(tmp_path: Path) -> None:
    app = make_app(tmp_path)

    async with app.test_request_context("/"):
        assert csp_nonce() == csp_nonce()
    with pytest.raises(NonceUnavailableError, match="without a request"):
        csp_nonce()


# --- https ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheme", "config", "expected"),
    [
        ("https", {}, "max-age=31536000"),
        ("http", {}, None),
        ("http", {"SESSION_COOKIE_SECURE": True}, "max-age=31536000"),
        ("https", {"DEBUG": True}, None),
    ],
)
async def test_strict_transport_security(
    scheme: str, config: dict[str, Any], expected: str | None, tmp_path: Path
) -> None:
    app = make_app(tmp_path)
    app.config.update(config)

    headers = await headers_of(app, "/", scheme=scheme)

    assert headers.get("strict-transport-security") == expected


async def test_strict_transport_security_is_configured() -> None:
    app = Quart(__name__)
    app.config["STRICT_TRANSPORT_SECURITY"] = "max-age=63072000; includeSubDomains; preload"
    Security(app)

    headers = await headers_of(app, "/", scheme="https")

    assert headers["strict-transport-security"] == "max-age=63072000; includeSubDomains; preload"


# --- mistakes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"content_security_policy": {"script_src": "'self'"}}, "Did you mean 'script-src'"),
        ({"content_security_policy": "default 'self'"}, "'default' is no directive"),
        ({"content_security_policy": {"img-src": "a; script-src *"}}, "by spaces"),
        ({"content_security_policy": {"img-src": "a\r\nX: y"}}, "printable ASCII"),
        ({"referrer_policy": "origin\n"}, "'referrer-policy' has the value"),
    ],
)
def test_a_policy_that_no_browser_understands_is_refused(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SecurityPolicyError, match=message):
        Security(**changes)


def test_a_damaged_transport_security_is_refused() -> None:
    app = Quart(__name__)
    app.config["STRICT_TRANSPORT_SECURITY"] = "max-age=1\n"
    with pytest.raises(ConfigurationError, match="STRICT_TRANSPORT_SECURITY"):
        Security(app)


def test_a_second_one_is_refused() -> None:
    app = Quart(__name__)
    Security(app)
    with pytest.raises(ExtensionAlreadyInitializedError):
        Security(app)
