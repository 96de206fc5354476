"""Every page says who may see it, and every write is protected: the url map is walked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from quart import Quart
from werkzeug.routing import Rule

from quarterdeck.login import Access, access_of
from quarterdeck_crm import create_app
from quarterdeck_crm.extensions import csrf
from quarterdeck_crm.models import Role

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}

# What strangers may see. A page that is not here needs sign-in.
PUBLIC = {
    "api.asset",  # what the API can do is no secret; what it does needs a token
    "api.docs",
    "api.document",
    "auth.login",
    "auth.login_submit",
    "auth.logout",
    "auth.register",
    "auth.register_submit",
    "auth.reset",
    "auth.reset_link",
    "auth.reset_link_submit",
    "dashboard.appearance",  # light or dark, also before signing in
    "echo.echo",  # says what it is told, and knows nothing
    "health.live",
    "health.ready",
    "metrics.show",  # for this machine or with a token, which it checks itself
}
# Whole packages and single pages that need more than the role User.
ADMIN = {f"team.{name}" for name in ("create", "edit", "disable", "enable", "delete", "link")} | {
    "team.create_submit",
    "team.edit_submit",
}
# Writes without a CSRF token, each with the reason.
CSRF_EXEMPT: dict[str, str] = {}


@pytest.fixture(scope="module", name="app")
def _app(tmp_path_factory: pytest.TempPathFactory) -> Quart:
    return create_app("testing", INSTANCE=str(tmp_path_factory.mktemp("instance")))


def is_static(app: Quart, rule: Rule) -> bool:
    """Whether the rule serves a folder of files, in which nothing is secret."""
    return str(rule.endpoint).rpartition(".")[2] == "static"


def pages(app: Quart) -> Iterator[tuple[Rule, Any]]:
    for rule in app.url_map.iter_rules():
        if not is_static(app, rule):
            yield rule, app.view_functions[str(rule.endpoint)]


@pytest.mark.feature("V4", "AP1")
def test_every_page_declares_who_may_see_it(app: Quart) -> None:
    undeclared = {rule.endpoint for rule, view in pages(app) if access_of(view) is None}

    assert undeclared == set()


def test_exactly_the_public_pages_are_public(app: Quart) -> None:
    found = {rule.endpoint for rule, view in pages(app) if _access(view).public}

    assert found == PUBLIC


def test_pages_of_administrators_name_the_role(app: Quart) -> None:
    found = {rule.endpoint for rule, view in pages(app) if Role.ADMIN in _access(view).roles}

    assert found >= ADMIN


@pytest.mark.feature("W3")
def test_every_write_is_csrf_checked_or_exempt_by_name(app: Quart) -> None:
    exempt = {
        rule.endpoint
        for rule, view in pages(app)
        if rule.methods and rule.methods & UNSAFE and csrf.is_exempt(view)
    }

    assert app.config["WTF_CSRF_ENABLED"]
    assert app.config["WTF_CSRF_CHECK_DEFAULT"]
    assert exempt == set(CSRF_EXEMPT)


def test_no_page_is_changed_by_a_get(app: Quart) -> None:
    """A view takes GET or writes, but for class views with a method for each."""
    both = {
        rule.endpoint
        for rule, view in pages(app)
        if rule.methods
        and "GET" in rule.methods
        and rule.methods & UNSAFE
        and not hasattr(view, "view_class")
    }

    assert both == set()


async def test_a_stranger_gets_no_page_that_is_not_public(
    app: Quart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Walk all pages that need no database row with nobody signed in."""
    client = app.test_client()
    for rule, view in pages(app):
        if not rule.methods or "GET" not in rule.methods or _access(view).public:
            continue
        if rule.websocket:
            continue  # closed with 4401, see tests/crm/live
        path = _example(rule)
        response = await client.get(path, headers={"Accept": "text/html"})
        if path.startswith("/api/"):
            assert response.status_code == 401, path
            continue
        assert response.status_code in {302, 303}, path
        assert response.location.startswith("/auth/login"), path


def _access(view: Any) -> Access:
    return access_of(view) or Access()


def _example(rule: Rule) -> str:
    """Return a path that the rule matches."""
    parts = []
    for is_dynamic, text in rule._trace:
        name = text if is_dynamic else None
        parts.append("13812345678" if name == "number" else "1" if name else text)
    return "".join(parts).lstrip("|")
