"""Every page says who may see it, and every write is protected: the url map is walked."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest
from quart import Quart, Response
from quart.testing.connections import WebsocketResponseError
from werkzeug.routing import Rule

from quarterdeck.login import Access, access_of
from quarterdeck.testing import LoginClient, WebsocketDisconnectError
from quarterdeck_crm import create_app
from quarterdeck_crm.extensions import csrf, db
from quarterdeck_crm.models import Role, User

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
    "auth.reset_submit",
    "auth.reset_link_submit",
    "calendar.feed",  # its address is a secret
    "dashboard.appearance",  # light or dark, also before signing in
    "echo.echo",  # says what it is told, and knows nothing
    "health.live",
    "health.ready",
    "mail.unsubscribe",  # with the token of a mail
    "mail.unsubscribe_submit",
    "metrics.show",  # for this machine or with a token, which it checks itself
    "other_releases.file",
}
# Whole packages and single pages that need more than the role User.
ADMIN = {f"team.{name}" for name in ("create", "edit", "disable", "enable", "delete", "link")} | {
    *(f"jobs.{name}" for name in ("index", "show", "run", "pause", "resume", "edit")),
    "jobs.edit_submit",
    "team.create_submit",
    "team.edit_submit",
    "team.invite",
    *(f"tags.{name}" for name in ("index", "create", "edit", "edit_submit", "merge", "remove")),
    *(f"fields.{name}" for name in ("index", "create", "create_submit", "edit", "edit_submit")),
    "bulk.hand_over",
    "bulk.hand_over_submit",
    "fields.archive",
    "fields.restore",
    "mail.index",
    "mail.retry",
    "mail.delete",
}
# Views whose services refuse a role that the view lets in: the least role that they accept.
BY_SERVICE = {"api.list_audit_events": Role.ADMIN} | {
    f"api.{name}": Role.ADMIN
    for name in ("list_jobs", "read_job", "list_job_runs", "run_job", "pause_job", "resume_job")
}
OWN_CHECK = {"metrics.show"}  # it checks a token or the address itself
ENDS_SESSION = {"auth.logout", "auth.logout_everywhere"}
# Writes without a CSRF token, each with the reason.
CSRF_EXEMPT: dict[str, str] = {
    "mail.unsubscribe_submit": "mail programs post here; the token is the permission",
}


MISSING = "999999"  # no row has this id
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
HEADERS = {
    "Content-Security-Policy",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Resource-Policy",
    "Permissions-Policy",
    "Referrer-Policy",
    "X-Content-Type-Options",
    "X-Frame-Options",
}
TOKEN_MISSING = "The security token is missing."
_TOKEN = re.compile(r'name="csrf_token"[^>]*? value="([^"]+)"')


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


def _access(view: Any) -> Access:
    return access_of(view) or Access()


EXAMPLES = {"number": "13812345678", "asset": "swagger-ui.css"}  # by argument or view


def example(rule: Rule, row: str = MISSING) -> str:
    """Return a path that the rule matches, of a row that does not exist if none is given."""
    view = str(rule.endpoint).rpartition(".")[2]
    parts = []
    for is_dynamic, text in rule._trace:
        value = EXAMPLES.get(text) or EXAMPLES.get(view) or row
        parts.append(value if is_dynamic else text)
    return "".join(parts).lstrip("|")


# --- the matrix: every route, with every role and every method ------------------------------


class Visitor:
    """A browser of one role, or of a stranger."""

    def __init__(self, app: Quart, user: User | None) -> None:
        self.client = LoginClient(app)
        self.user = user
        self._token = ""

    async def sign_in(self) -> None:
        if self.user is not None:
            async with self.client.app.app_context():  # a sign-out everywhere has changed it
                await self.client.sign_in(await db.session.get_one(User, self.user.id))
        page = await self.client.get("/auth/password" if self.user else "/auth/login")
        found = _TOKEN.search(await page.get_data(as_text=True))
        assert found, (page.status_code, await page.get_data(as_text=True))
        self._token = found[1]

    async def ask(
        self, method: str, path: str, *, token: bool = True, accept: str = "text/html"
    ) -> Response:
        """Send a request as a page or a script of the site would."""
        accept = "application/json" if path.startswith("/api/") else accept
        headers = {"Accept": accept} | ({"X-CSRFToken": self._token} if token else {})
        response: Response = await self.client.open(path, method=method, headers=headers)
        return response


@pytest.fixture(scope="module", name="site")
def _site(app: Quart) -> dict[Role | None, Visitor]:
    """A CRM with a user of each role, and a browser for each of them and for a stranger."""

    async def fill() -> dict[Role | None, User | None]:
        async with app.app_context():
            await db.create_all()
            users: dict[Role | None, User | None] = {
                role: User(email=f"{role}@example.com", name=role, role=role, password_hash="none")
                for role in Role
            }
            async with db.transaction() as session:
                session.add_all(users.values())
            await db.engine.dispose()
        return {None: None} | users

    users = asyncio.run(fill())
    return {role: Visitor(app, user) for role, user in users.items()}


def paths_of(app: Quart) -> dict[str, dict[str, str]]:
    """Return the endpoints of all HTTP routes by path and method."""
    found: dict[str, dict[str, str]] = {}
    for rule, _ in pages(app):
        if not rule.websocket:
            methods = found.setdefault(example(rule), {})
            methods |= dict.fromkeys(rule.methods or (), str(rule.endpoint))
    return found


def expected(app: Quart, endpoint: str, role: Role | None) -> str:
    """Return whether a role gets past the access check of a view: in, 401 or 403."""
    access = _access(app.view_functions[endpoint])
    if endpoint in OWN_CHECK:
        return "403"
    if access.public:
        return "in"
    if role is None:
        return "401"
    needed = [*access.roles, *([BY_SERVICE[endpoint]] if endpoint in BY_SERVICE else [])]
    return "in" if all(role.includes(each) for each in needed) else "403"


def outcome(response: Response) -> str:
    """Return the same of an answer."""
    location = response.headers.get("Location", "")
    asks = response.status_code == 302 and location.startswith("/auth/login")
    if response.status_code == 401 or asks:
        return "401"
    if response.status_code == 403:
        return "403"
    return "in" if response.status_code < 500 else str(response.status_code)


@pytest.mark.timeout(180)  # some 170 requests
@pytest.mark.feature("V4", "AP1", "AP6")
@pytest.mark.parametrize("role", [None, *Role], ids=str)
async def test_each_route_lets_in_whom_it_declares(
    app: Quart, site: dict[Role | None, Visitor], role: Role | None
) -> None:
    """With each method that it has, and with the headers that make browsers strict."""
    wrong, bare, asked = {}, {}, 0
    async with app.test_app():
        visitor = site[role]
        await visitor.sign_in()
        for path, methods in paths_of(app).items():
            for method, endpoint in methods.items():
                if method == "OPTIONS" or (method == "HEAD" and role is not None):
                    continue  # the one is answered without a view, the other by that of GET
                response = await visitor.ask(method, path)
                asked += 1
                got, want = outcome(response), expected(app, endpoint, role)
                if got != want:
                    wrong[f"{method} {path} ({endpoint})"] = f"{got}, not {want}"
                if missing := {name for name in HEADERS if name not in response.headers}:
                    bare[f"{method} {path}"] = missing
                if endpoint in ENDS_SESSION:
                    await visitor.sign_in()

    assert asked > 150
    assert wrong == {}
    assert bare == {}


@pytest.mark.feature("W3")
async def test_each_write_of_each_route_needs_the_token(
    app: Quart, site: dict[Role | None, Visitor]
) -> None:
    """Also from an administrator, who may do everything else.

    A form that is shown again runs its view, and cannot be valid there.
    """
    passed = {}
    async with app.test_app():
        visitor = site[Role.ADMIN]
        await visitor.sign_in()
        for path, methods in paths_of(app).items():
            for method in UNSAFE & methods.keys():
                if methods[method] in CSRF_EXEMPT:
                    continue
                response = await visitor.ask(method, path, token=False)
                is_refused = TOKEN_MISSING in await response.get_data(as_text=True)
                async with app.app_context():
                    is_form = csrf.is_redisplayed(methods[method], method)
                if not (is_refused or (is_form and response.status_code in {404, 410, 422})):
                    passed[f"{method} {path}"] = response.status_code

    assert passed == {}


@pytest.mark.timeout(180)  # some 500 requests
async def test_no_route_answers_a_method_that_it_does_not_declare(
    app: Quart, site: dict[Role | None, Visitor]
) -> None:
    wrong = {}
    async with app.test_app():
        visitor = site[None]  # refused before anything is asked of the database
        await visitor.sign_in()
        for path in paths_of(app):
            declared = set(app.url_map.bind("localhost").allowed_methods(path))
            assert declared, f"example() gives no path of a route: {path}"
            for method in set(METHODS) - declared:
                response = await visitor.ask(method, path, accept="application/json")
                allowed = response.headers.get("Allow", "").replace(" ", "").split(",")
                if response.status_code != 405 or set(allowed) != declared:
                    wrong[f"{method} {path}"] = (response.status_code, allowed)
                assert all(name in response.headers for name in HEADERS)

    assert wrong == {}


@pytest.mark.feature("V4", "WS3")
@pytest.mark.parametrize("role", [None, *Role], ids=str)
async def test_each_websocket_lets_in_whom_it_declares(
    app: Quart, site: dict[Role | None, Visitor], role: Role | None
) -> None:
    """And no page of another site opens one with the cookies of a user."""
    sockets = [rule for rule, _ in pages(app) if rule.websocket]
    async with app.test_app():
        visitor = site[role]
        await visitor.sign_in()
        for rule in sockets:
            endpoint, path = str(rule.endpoint), example(rule)
            closed = await close_code(visitor, path)
            assert closed == {"in": None, "401": 4401, "403": 4403}[expected(app, endpoint, role)]
            foreign = await close_code(visitor, path, Origin="https://evil.example")
            is_open = csrf.is_exempt(app.view_functions[endpoint])
            assert foreign == (closed if is_open or closed else 403), path

    assert len(sockets) >= 2


async def close_code(visitor: Visitor, path: str, **headers: str) -> int | None:
    """Return the code with which a WebSocket is closed at once, or the status of a refusal."""
    try:
        async with visitor.client.websocket(path, headers=headers) as connection:
            await connection.send("{}")
            await connection.receive()
    except WebsocketDisconnectError as error:
        return int(error.args[0])
    except WebsocketResponseError as error:
        return error.response.status_code
    return None
