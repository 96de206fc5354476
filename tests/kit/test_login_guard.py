"""Views that are closed: the marks of views, and sign-in required by default."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from quart import Blueprint
from quart.views import MethodView, View

from quarterdeck.commands.configuration import effective_values
from quarterdeck.commands.url_rules import route_table
from quarterdeck.exceptions import (
    AccessConflictError,
    ExtensionNotInitializedError,
    UserCapabilityError,
)
from quarterdeck.login import (
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
from tests.plain import Quart

from .login_guard_app import make_app, make_view, status


@pytest.fixture
def app() -> Quart:
    return make_app()


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


def test_commands_show_that_views_are_closed_by_default() -> None:
    app = Quart(__name__)
    LoginManager(app, login_view="sign_in", require_login=True)
    app.add_url_rule("/page", "page", make_view())
    app.add_url_rule("/open", "open", public(make_view()))

    access = {row["endpoint"]: row["access"] for row in route_table(app)}
    values = effective_values(app)

    assert access == {"static": "public", "page": "signed in", "open": "public"}
    for key, value in {"LOGIN_REQUIRED_BY_DEFAULT": True, "LOGIN_VIEW": "sign_in"}.items():
        assert (values[key].value, values[key].source) == (value, "configuration")
    assert values["SESSION_PROTECTION"].source == "default"


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
