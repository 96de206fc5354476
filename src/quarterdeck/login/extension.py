"""The extension: loads the user before every view and guards what is not public."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from quart import Request, current_app, session

from quarterdeck._config import read
from quarterdeck.exceptions import UserLoaderError

from .access import PUBLIC, SIGNED_IN, access_of
from .guard import enforce
from .hashing import PasswordHasher
from .state import CONFIG, STATE, LoginState
from .users import connection, current_user, load_user

if TYPE_CHECKING:
    from quart import Quart

Loader = Callable[[str], Any]
RequestLoader = Callable[[Any], Any]
C = TypeVar("C", bound=Callable[..., Any])


class LoginManager:
    """Sign-in for an app.

    Args:
        app: Initialised at once if given.
        login_view: Endpoint or path of the sign-in page; also ``LOGIN_VIEW`` or the attribute.
        require_login: Whether a view without a mark needs sign-in; also
            ``LOGIN_REQUIRED_BY_DEFAULT``.

    Attributes:
        blueprint_login_views: Sign-in pages by the name of a blueprint; None answers 401, as
            an API for programs should.
    """

    def __init__(
        self,
        app: Quart | None = None,
        *,
        login_view: str | None = None,
        require_login: bool | None = None,
    ) -> None:
        self.login_view = login_view
        self.blueprint_login_views: dict[str, str | None] = {}
        self.on_unauthorized: Callable[[], Any] | None = None
        self._require_login = require_login
        self._user_loader: Loader | None = None
        self._request_loader: RequestLoader | None = None
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Quart) -> None:
        """Read the configuration and put the hooks in front of those registered so far.

        Raises:
            ConfigurationError: If a ``LOGIN_*`` key cannot work.
            ExtensionAlreadyInitializedError: If the app has a LoginManager.
        """
        STATE.refuse_second(app)
        config = read(app, CONFIG)
        required = config["LOGIN_REQUIRED_BY_DEFAULT"]
        state = LoginState(
            manager=self,
            hasher=PasswordHasher(
                config["LOGIN_HASH_WORKERS"],
                config["LOGIN_HASH_TIME_COST"],
                config["LOGIN_HASH_MEMORY_COST"],
            ),
            login_view=config["LOGIN_VIEW"],
            message=config["LOGIN_MESSAGE"],
            message_category=config["LOGIN_MESSAGE_CATEGORY"],
            required_by_default=required if self._require_login is None else self._require_login,
        )
        STATE.attach(app, state)
        app.before_request_funcs[None].insert(0, _before)
        app.before_websocket_funcs[None].insert(0, _before)
        app.after_serving(state.hasher.aclose)
        app.add_template_global(current_user, "current_user")

    def user_loader(self, loader: C) -> C:
        """Register the function that finds a user by id, or returns None."""
        self._user_loader = loader
        return loader

    def request_loader(self, loader: C) -> C:
        """Register a function that finds a user by what a request or WebSocket carries itself.

        Such as a token in its ``Authorization`` header. If it returns a user, the browser session
        is not even looked at; if it returns None, the session decides. It may ``abort(401)``.
        """
        self._request_loader = loader
        return loader

    def unauthorized_handler(self, handler: C) -> C:
        """Register a function that answers requests of visitors who have to sign in."""
        self.on_unauthorized = handler
        return handler

    def get_user_loader(self) -> Loader:
        """Return the registered loader.

        Raises:
            UserLoaderError: If there is none.
        """
        if self._user_loader is None:
            raise UserLoaderError("is missing")
        return self._user_loader

    def get_request_loader(self) -> RequestLoader | None:
        """Return the registered loader of users by request, if there is one."""
        return self._request_loader

    async def reload_user(self) -> Any:
        """Load the current user again, for a WebSocket that has been open for a while.

        Returns:
            Nobody if the user is by now gone, not active or of another ``auth_version``, or
            if the browser session was ended (where sessions are kept on the server).
        """
        reload = getattr(session, "reload", None)
        if reload is not None:
            await reload()
        return await load_user()


async def _before() -> None:
    current = connection()
    assert current is not None  # noqa: S101  # Quart runs this only for one of the two
    endpoint = current.endpoint
    view = current_app.view_functions.get(endpoint) if endpoint else None
    if _is_static(view):
        return  # without touching the session, so that caches may keep the file
    await load_user()
    if view is None or _is_automatic_options(current):
        return
    default = SIGNED_IN if STATE.get().required_by_default else PUBLIC
    await enforce(access_of(view) or default)


def _is_static(view: Any) -> bool:
    """Whether the view is the one that Quart adds for a static folder."""
    return getattr(view, "__name__", "") == "send_static_file" and hasattr(view, "__self__")


def _is_automatic_options(current: Any) -> bool:
    if not isinstance(current, Request) or current.method != "OPTIONS":
        return False
    return bool(current.url_rule and current.url_rule.provide_automatic_options)
