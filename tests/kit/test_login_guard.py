"""Who may open a view, and what the others are told."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from quart import Blueprint, websocket
from quart.typing import TestClientProtocol as Client
from quart.views import MethodView, View

from quarterdeck.exceptions import (
    AccessConflictError,
    ExtensionNotInitializedError,
    LoginViewNotPublicError,
    UserCapabilityError,
)
from quarterdeck.login import (
    NOT_ALLOWED,
    NOT_SIGNED_IN,
    Access,
    LoginManager,
    UserMixin,
    access_of,
    current_user,
    login_required,
    permission_required,
    public,
    role_required,
)
from quarterdeck.testing import WebsocketDisconnectError
from tests.plain import Quart

HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


class User(UserMixin):
    """Has the role of the same name, and may read."""

    def __init__(self, user_id: str) -> None:
        self.id = user_id

    def has_role(self, role: str) -> bool:
        return role == self.id

    def has_permission(self, permission: str) -> bool:
        return permission == "read" or self.id == "admin"


def make_app(**options: Any) -> Quart:
    app = Quart(__name__)
    app.config.update(SECRET_KEY="test", PROPAGATE_EXCEPTIONS=True)
    LoginManager(app, login_view="login", **options).user_loader(User)

    @app.get("/login")
    @public
    async def login() -> str:
        return "sign in"

    return app


@pytest.fixture
def app() -> Quart:
    return make_app()


async def sign_in(app: Quart, user_id: str) -> Client:
    client = app.test_client()
    async with client.session_transaction() as stored:
        stored["_user_id"] = user_id
        stored["_auth_version"] = None
    return client


def make_view() -> Any:
    """A new view each time: a mark stays on the function it was put on."""

    async def view() -> str:
        return "ok"

    return view


async def status(app: Quart, path: str, user_id: str | None = None, **kwargs: Any) -> int:
    """Ask as a program does, which is not led to the sign-in page."""
    client = app.test_client() if user_id is None else await sign_in(app, user_id)
    kwargs.setdefault("headers", {"Accept": "application/json"})
    return (await client.open(path, **kwargs)).status_code


# --- decorators -----------------------------------------------------------------


def sync_view() -> str:
    return str(current_user.id)


@pytest.mark.feature("V1", "V3")
@pytest.mark.parametrize("view", [make_view(), sync_view], ids=["async", "sync"])
async def test_login_required(app: Quart, view: Callable[[], Any]) -> None:
    app.route("/page")(login_required(view))
    assert await status(app, "/page") == 401
    assert await status(app, "/page", "ada") == 200


@pytest.mark.parametrize(
    ("view", "allowed"),
    [
        (role_required("admin", "boss")(make_view()), {"admin", "boss"}),
        (permission_required("read")(make_view()), {"ada", "admin", "boss"}),
        (permission_required("read", "write")(make_view()), {"admin"}),
        (role_required("boss")(permission_required("read")(make_view())), {"boss"}),
        (permission_required("write")(role_required("admin")(make_view())), {"admin"}),
    ],
)
async def test_roles_and_permissions(app: Quart, view: Any, allowed: set[str]) -> None:
    app.route("/page")(view)
    assert await status(app, "/page") == 401
    answers = {user: await status(app, "/page", user) for user in ("ada", "admin", "boss")}
    assert answers == {user: 200 if user in allowed else 403 for user in answers}


@pytest.mark.feature("R9", "V3")
async def test_route_may_stand_anywhere_among_the_marks(app: Quart) -> None:
    @role_required("admin")
    @app.get("/outer")
    @permission_required("read")
    async def outer() -> str:
        return "ok"

    @login_required
    @role_required("admin")
    @app.get("/inner")
    async def inner() -> str:
        return "ok"

    for path in ("/outer", "/inner"):
        assert await status(app, path) == 401
        assert await status(app, path, "ada") == 403
        assert await status(app, path, "admin") == 200
    assert inner.__name__ == "inner"


async def test_a_careless_decorator_does_not_open_a_view(app: Quart) -> None:
    def careless(view: Any) -> Any:
        async def wrapper() -> Any:  # without functools.wraps: the mark is lost
            return await view()

        return wrapper

    app.add_url_rule("/page", "page", careless(login_required(make_view())))
    assert await status(app, "/page") == 401
    assert await status(app, "/page", "ada") == 200


async def test_a_careful_decorator_keeps_the_mark(app: Quart) -> None:
    def careful(view: Any) -> Any:
        @functools.wraps(view)
        async def wrapper() -> Any:
            return await view()

        return wrapper

    app.add_url_rule("/page", "page", role_required("admin")(careful(login_required(make_view()))))
    assert access_of(app.view_functions["page"]) == Access(roles=("admin",))
    assert await status(app, "/page", "ada") == 403


@pytest.mark.feature("V2")
async def test_view_classes(app: Quart) -> None:
    @role_required("admin")
    class Marked(View):
        async def dispatch_request(self, **kwargs: Any) -> str:
            return "ok"

    class Listed(View):
        decorators = [login_required, role_required("admin")]

        async def dispatch_request(self, **kwargs: Any) -> str:
            return "ok"

    class Inherited(Marked):
        pass

    for view_class in (Marked, Listed, Inherited):
        name, path = view_class.__name__, f"/{view_class.__name__}"
        app.add_url_rule(path, view_func=view_class.as_view(name))
        assert await status(app, path) == 401
        assert await status(app, path, "ada") == 403
        assert await status(app, path, "admin") == 200
        assert access_of(app.view_functions[name]) == Access(roles=("admin",))


async def test_marks_of_a_class_and_its_list_add_up(app: Quart) -> None:
    @permission_required("write")
    class Both(View):
        decorators = [role_required("boss", "admin")]

        async def dispatch_request(self, **kwargs: Any) -> str:
            return "ok"

    app.add_url_rule("/both", view_func=Both.as_view("both"))
    assert access_of(app.view_functions["both"]) == Access(
        roles=("boss", "admin"), permissions=("write",)
    )
    assert await status(app, "/both", "boss") == 403
    assert await status(app, "/both", "admin") == 200


async def test_one_method_of_a_method_view(app: Quart) -> None:
    class Item(MethodView):
        async def get(self) -> str:
            return "ok"

        @role_required("admin")
        async def post(self) -> str:
            return "ok"

    app.add_url_rule("/item", view_func=Item.as_view("item"))
    assert await status(app, "/item") == 200
    assert await status(app, "/item", method="POST") == 401
    assert await status(app, "/item", "ada", method="POST") == 403
    assert await status(app, "/item", "admin", method="POST") == 200


async def test_a_public_subclass(app: Quart) -> None:
    @login_required
    class Private(View):
        async def dispatch_request(self, **kwargs: Any) -> str:
            return "ok"

    @public
    class Open(Private):
        pass

    app.add_url_rule("/private", view_func=Private.as_view("private"))
    app.add_url_rule("/open", view_func=Open.as_view("open"))
    assert await status(app, "/private") == 401
    assert await status(app, "/open") == 200


def test_marks_that_contradict_each_other() -> None:
    with pytest.raises(AccessConflictError, match="both 'public' and restricted"):
        public(login_required(make_view()))
    with pytest.raises(AccessConflictError, match="both 'public' and restricted"):
        login_required(public(make_view()))
    with pytest.raises(AccessConflictError, match="Name all roles"):
        role_required("a")(role_required("b")(make_view()))
    with pytest.raises(AccessConflictError, match="Name at least one"):
        role_required()
    with pytest.raises(AccessConflictError, match="Name at least one"):
        permission_required()


def test_access_of() -> None:
    assert access_of(make_view()) is None
    assert access_of(login_required(make_view())) == Access()
    assert access_of(public(make_view())) == Access(public=True)
    both = role_required("a", "b")(permission_required("x", "y")(make_view()))
    assert access_of(both) == Access(roles=("a", "b"), permissions=("x", "y"))


async def test_without_a_login_manager_a_marked_view_stays_closed() -> None:
    app = Quart(__name__)
    app.config["PROPAGATE_EXCEPTIONS"] = True
    app.route("/page")(login_required(make_view()))
    with pytest.raises(ExtensionNotInitializedError):
        await app.test_client().get("/page")


@pytest.mark.parametrize("kind", ["missing", "asynchronous"])
async def test_a_user_who_cannot_answer_is_refused(app: Quart, kind: str) -> None:
    class Silent(UserMixin):
        id = 1

    class Late(Silent):
        async def has_role(self, role: str) -> bool:
            return False

    user = Silent() if kind == "missing" else Late()
    app.extensions["login"].manager.user_loader(lambda user_id: user)
    app.route("/page")(role_required("admin")(make_view()))
    with pytest.raises(UserCapabilityError, match=kind):
        await status(app, "/page", "ada")


# --- sign-in required by default ------------------------------------------------


@pytest.mark.feature("V4")
async def test_unmarked_views_are_closed_by_default() -> None:
    app = make_app(require_login=True)
    app.add_url_rule("/page", "page", make_view())
    app.add_url_rule("/open", "open", public(make_view()))
    assert await status(app, "/page") == 401
    assert await status(app, "/page", "ada") == 200
    assert await status(app, "/open") == 200
    assert await status(app, "/missing") == 404
    assert await status(app, "/page", method="OPTIONS") == 200


async def test_default_from_the_configuration() -> None:
    app = Quart(__name__)
    app.config.update(SECRET_KEY="test", LOGIN_REQUIRED_BY_DEFAULT="yes")
    LoginManager(app)
    app.add_url_rule("/page", "page", make_view())
    assert await status(app, "/page") == 401


async def test_static_files_are_open_and_leave_the_session_alone(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a")
    bp = Blueprint(
        "bp", __name__, static_folder=str(tmp_path), static_url_path="/static", url_prefix="/bp"
    )
    app = Quart(__name__, static_folder=str(tmp_path), static_url_path="/static")
    LoginManager(app, require_login=True)
    app.register_blueprint(bp)
    for path in ("/static/a.css", "/bp/static/a.css"):
        response = await app.test_client().get(path)
        assert response.status_code == 200
        assert "Vary" not in response.headers


async def test_a_view_named_static_is_not_open() -> None:
    app = make_app(require_login=True)
    bp = Blueprint("reports", __name__)
    bp.add_url_rule("/reports", "static", make_view())
    app.register_blueprint(bp)
    assert await status(app, "/reports") == 401


# --- what a visitor is told -----------------------------------------------------


@pytest.fixture
def closed() -> Quart:
    app = make_app(require_login=True)
    app.add_url_rule("/orders/<name>", "orders", name_view, methods=["GET", "POST"])
    return app


async def name_view(name: str) -> str:
    return name


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/orders/1", "/login?next=%2Forders%2F1"),
        ("/orders/1?q=a%20b&page=2", "/login?next=%2Forders%2F1%3Fq%3Da%2520b%26page%3D2"),
        ("/orders/s%C3%B8k", "/login?next=%2Forders%2Fs%C3%B8k"),
    ],
)
async def test_a_page_leads_to_sign_in_and_back(closed: Quart, path: str, location: str) -> None:
    response = await closed.test_client().get(path, headers=HTML)
    assert response.status_code == 302
    assert response.location == location


@pytest.mark.parametrize(
    ("referrer", "location"),
    [
        ("http://localhost/orders/1?tab=2", "/login?next=%2Forders%2F1%3Ftab%3D2"),
        ("http://evil.example/orders/1", "/login"),
        (None, "/login"),
    ],
)
async def test_a_form_leads_back_to_its_page(
    closed: Quart, referrer: str | None, location: str
) -> None:
    headers = HTML | ({"Referer": referrer} if referrer else {})
    response = await closed.test_client().post("/orders/1", headers=headers)
    assert (response.status_code, response.location) == (302, location)


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "application/json"},
        HTML | {"Sec-Fetch-Mode": "cors"},
        HTML | {"X-Requested-With": "XMLHttpRequest"},
        {"Accept": "text/html;q=0, application/json"},
    ],
)
async def test_programs_get_401(closed: Quart, headers: dict[str, str]) -> None:
    assert await status(closed, "/orders/1", headers=headers) == 401


@pytest.mark.parametrize("headers", [{}, {"Accept": "*/*"}])
async def test_clients_that_say_nothing_are_redirected_as_in_flask_login(
    closed: Quart, headers: dict[str, str]
) -> None:
    assert await status(closed, "/orders/1", headers=headers) == 302


@pytest.mark.parametrize("headers", [{}, {"Accept": "*/*"}])
async def test_only_pages_are_redirected_if_the_app_wants_it(headers: dict[str, str]) -> None:
    app = Quart(__name__)
    app.config.update(SECRET_KEY="test", LOGIN_VIEW="/login", LOGIN_REDIRECT_PAGES_ONLY=True)
    LoginManager(app)
    app.add_url_rule("/page", "page", login_required(make_view()))
    assert await status(app, "/page", headers=headers) == 401
    assert await status(app, "/page", headers=HTML) == 302


async def test_pages_without_a_login_view_get_401(closed: Quart) -> None:
    closed.extensions["login"].manager.login_view = None
    assert await status(closed, "/orders/1", headers=HTML) == 401


async def test_login_view_as_a_path(closed: Quart) -> None:
    closed.extensions["login"].manager.login_view = "/sso/start"
    response = await closed.test_client().get("/orders/1", headers=HTML)
    assert response.location == "/sso/start?next=%2Forders%2F1"


async def test_the_message_is_flashed_once(closed: Quart) -> None:
    client = closed.test_client()
    await client.get("/orders/1", headers=HTML)
    await client.get("/orders/2", headers=HTML)
    async with client.session_transaction() as stored:
        assert [tuple(each) for each in stored["_flashes"]] == [
            ("info", "Sign in to see this page.")
        ]


async def test_no_message_if_none_is_wanted() -> None:
    app = Quart(__name__)
    app.config.update(SECRET_KEY="test", LOGIN_MESSAGE="", LOGIN_VIEW="/login")
    LoginManager(app, require_login=True)
    app.add_url_rule("/page", "page", make_view())
    client = app.test_client()
    await client.get("/page", headers=HTML)
    async with client.session_transaction() as stored:
        assert "_flashes" not in stored


async def test_a_login_view_that_is_closed_says_so() -> None:
    app = Quart(__name__)
    app.config.update(SECRET_KEY="test", PROPAGATE_EXCEPTIONS=True, LOGIN_VIEW="login")
    LoginManager(app, require_login=True)
    app.add_url_rule("/login", "login", make_view())
    with pytest.raises(LoginViewNotPublicError, match="Mark it with '@public'"):
        await app.test_client().get("/login", headers=HTML)


async def test_error_handlers_of_the_app_answer(closed: Quart) -> None:
    closed.register_error_handler(401, lambda error: ("who are you", 401))
    headers = {"Accept": "application/json"}
    response = await closed.test_client().get("/orders/1", headers=headers)
    assert await response.get_data(as_text=True) == "who are you"


async def test_unauthorized_handler(closed: Quart) -> None:
    manager: LoginManager = closed.extensions["login"].manager

    @manager.unauthorized_handler
    async def handler() -> Any:
        return {"sign": "in"}, 418

    response = await closed.test_client().get("/orders/1", headers=HTML)
    assert (response.status_code, await response.get_json()) == (418, {"sign": "in"})


# --- WebSockets -----------------------------------------------------------------


@pytest.mark.feature("WS3")
@pytest.mark.parametrize(
    ("user_id", "code"), [(None, NOT_SIGNED_IN), ("ada", NOT_ALLOWED), ("admin", None)]
)
@pytest.mark.parametrize("by_default", [True, False])
async def test_websocket(user_id: str | None, code: int | None, by_default: bool) -> None:
    app = make_app(require_login=by_default)

    @app.websocket("/ws")
    @role_required("admin")
    async def ws() -> None:
        await websocket.send(current_user.id)

    client = app.test_client() if user_id is None else await sign_in(app, user_id)
    async with client.websocket("/ws") as connection:
        if code is None:
            assert await connection.receive() == "admin"
            return
        with pytest.raises(WebsocketDisconnectError) as caught:
            await connection.receive()
        assert caught.value.args == (code,)
        assert connection.accepted  # type: ignore[attr-defined]


async def test_a_websocket_of_a_user_who_is_gone(app: Quart) -> None:
    gone = False
    manager: LoginManager = app.extensions["login"].manager
    manager.user_loader(lambda user_id: None if gone else User(user_id))

    @app.websocket("/ws")
    @login_required
    async def ws() -> None:
        while await manager.reload_user():
            await websocket.send(current_user.id)
            await websocket.receive()
        await websocket.close(NOT_SIGNED_IN)

    async with (await sign_in(app, "ada")).websocket("/ws") as connection:
        assert await connection.receive() == "ada"
        gone = True
        await connection.send("next")
        with pytest.raises(WebsocketDisconnectError) as caught:
            await connection.receive()
        assert caught.value.args == (NOT_SIGNED_IN,)


def make_blueprint(decorate: Any, name: str = "shop") -> Blueprint:
    blueprint = Blueprint(name, __name__, url_prefix=f"/{name}")
    blueprint.add_url_rule("/plain", "plain", make_view())
    blueprint.add_url_rule("/open", "open", public(make_view()))
    blueprint.add_url_rule("/write", "write", permission_required("write")(make_view()))
    decorated: Blueprint = decorate(blueprint)
    assert decorated is blueprint
    return blueprint


async def test_a_mark_on_a_blueprint_holds_for_its_views(app: Quart) -> None:
    app.register_blueprint(make_blueprint(role_required("admin", "boss")))

    assert await status(app, "/shop/plain") == 401
    assert await status(app, "/shop/plain", "ada") == 403
    assert await status(app, "/shop/plain", "boss") == 200
    assert await status(app, "/shop/open") == 200
    assert await status(app, "/shop/write", "boss") == 403, "both conditions must be met"
    assert await status(app, "/shop/write", "admin") == 200


async def test_a_mark_on_a_blueprint_holds_for_those_inside_it(app: Quart) -> None:
    outer = Blueprint("outer", __name__)
    outer.register_blueprint(make_blueprint(lambda blueprint: blueprint, "inner"))
    outer.register_blueprint(make_blueprint(public, "free"))
    app.register_blueprint(login_required(outer))

    assert await status(app, "/inner/plain") == 401
    assert await status(app, "/inner/plain", "ada") == 200
    assert await status(app, "/free/plain") == 200
    assert await status(app, "/free/write") == 401


async def test_a_marked_blueprint_needs_a_login_manager() -> None:
    app = Quart(__name__)
    app.register_blueprint(make_blueprint(login_required))

    assert await status(app, "/shop/plain") == 500


@pytest.mark.parametrize("mark", [login_required, public, role_required("admin")])
def test_a_mark_on_an_app_is_refused(mark: Any) -> None:
    with pytest.raises(AccessConflictError, match="require_login=True"):
        mark(Quart(__name__))
