"""The ``LoginManager``: loads the user before every view and checks the access to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from quart import Request, Response, current_app, session
from quart.typing import ResponseTypes

from quarterdeck._marks import ACCESS, is_static
from quarterdeck._quart import unwrap
from quarterdeck.config import read
from quarterdeck.exceptions import SessionProtectionError, UserLoaderError

from . import config, remember
from .access import PUBLIC, SIGNED_IN
from .answers import needs_refresh, unauthorized
from .config import STATE, LoginState
from .context import connection
from .guard import enforce
from .hashing import PasswordHasher
from .loading import load_user
from .signing_in import waiting
from .users import AnonymousUser, current_user

if TYPE_CHECKING:
    from quart import Quart

Loader = Callable[[str], Any]
RequestLoader = Callable[[Any], Any]
C = TypeVar("C", bound=Callable[..., Any])


class LoginManager:
    """Sign-in for an app.

    Args:
        app: Initialised at once if given.
        add_context_processor: Whether templates know ``current_user``.
        login_view: Endpoint or path of the sign-in page; also ``LOGIN_VIEW`` or the attribute.
        require_login: Whether a view without a mark needs sign-in; also
            ``LOGIN_REQUIRED_BY_DEFAULT``.

    Attributes:
        anonymous_user: Called for the user of a visitor that is not signed in.
        blueprint_login_views: Sign-in pages by the name of a blueprint; None answers 401, as
            an API for programs should.
        login_message: Flashed on the way to the sign-in page; None or "" flashes nothing.
        login_message_category: Its category.
        refresh_view: Endpoint or path of the page for ``fresh_login_required``.
        needs_refresh_message: Flashed on the way there.
        needs_refresh_message_category: Its category.
        localize_callback: Translates both messages.
        require_login: As the argument; read by ``init_app``.
        id_attribute: The name of the method of users that returns the id.
        unauthorized_callback: The function of ``unauthorized_handler``.
        needs_refresh_callback: The function of ``needs_refresh_handler``.
        ends_lost_sessions: Whether a browser session is emptied whose user is gone. Flask-Login
            keeps it, with the messages in it.
    """

    ends_lost_sessions = True

    def __init__(
        self,
        app: Quart | None = None,
        add_context_processor: bool = True,
        *,
        login_view: str | None = None,
        require_login: bool | None = None,
    ) -> None:
        self.anonymous_user: Callable[[], Any] = AnonymousUser
        self.login_view = login_view
        self.blueprint_login_views: dict[str, str | None] = {}
        self.login_message: str | None = config.LOGIN_MESSAGE
        self.login_message_category = config.LOGIN_MESSAGE_CATEGORY
        self.refresh_view: str | None = None
        self.needs_refresh_message: str | None = config.REFRESH_MESSAGE
        self.needs_refresh_message_category = config.REFRESH_MESSAGE_CATEGORY
        self.localize_callback: Callable[[str], Any] | None = None
        self._session_protection: str | None = config.DEFAULT_PROTECTION
        self.id_attribute = "get_id"
        self.unauthorized_callback: Callable[[], Any] | None = None
        self.needs_refresh_callback: Callable[[], Any] | None = None
        self.require_login = require_login
        self._user_loader: Loader | None = None
        self._request_loader: RequestLoader | None = None
        if app is not None:
            self.init_app(app, add_context_processor)

    def init_app(self, app: Quart, add_context_processor: bool = True) -> None:
        """Read the configuration and put the hooks in front of those registered so far.

        Raises:
            ConfigurationError: If a ``LOGIN_*`` key cannot work.
            ExtensionAlreadyInitializedError: If the app has a LoginManager.
        """
        STATE.refuse_second(app)
        values = read(app, config.CONFIG)
        required = values["LOGIN_REQUIRED_BY_DEFAULT"]
        state = LoginState(
            manager=self,
            hasher=PasswordHasher(
                values["LOGIN_HASH_WORKERS"],
                values["LOGIN_HASH_TIME_COST"],
                values["LOGIN_HASH_MEMORY_COST"],
                values["LOGIN_HASH_MAX_WAITING"],
            ),
            login_view=values["LOGIN_VIEW"],
            message=values["LOGIN_MESSAGE"],
            form_message=values["LOGIN_FORM_MESSAGE"],
            message_category=values["LOGIN_MESSAGE_CATEGORY"],
            required_by_default=required if self.require_login is None else self.require_login,
            redirects_pages_only=values["LOGIN_REDIRECT_PAGES_ONLY"],
            remembers_by_session=values["LOGIN_REMEMBER_BY"] == "session",
            remember_cookie=config.RememberCookie.of(values),
            configured_protection=values["SESSION_PROTECTION"],
            next_in_session=values["USE_SESSION_FOR_NEXT"],
        )
        STATE.attach(app, state)
        app.before_request_funcs[None].insert(0, _before)
        app.before_websocket_funcs[None].insert(0, _before)
        app.after_request_funcs[None].append(_finish)
        app.after_serving(state.hasher.aclose)
        app.login_manager = self  # type: ignore[attr-defined]  # where Flask-Login has it
        if add_context_processor:
            app.add_template_global(current_user, "current_user")

    @property
    def session_protection(self) -> str | None:
        """The mode of protection: "basic", "strong" or None; see ``SESSION_PROTECTION``.

        Raises:
            SessionProtectionError: If it is set to another value.
        """
        return self._session_protection

    @session_protection.setter
    def session_protection(self, mode: str | None) -> None:
        try:
            self._session_protection = config.protection(mode)
        except ValueError as error:
            raise SessionProtectionError(mode, str(error)) from None

    def user_loader(self, loader: C) -> C:
        """Register the function that finds a user by id, or returns None."""
        self._user_loader = loader
        return loader

    def request_loader(self, loader: C) -> C:
        """Register a function that finds a user by the request or WebSocket itself.

        It may read a token in the ``Authorization`` header, for example. If it returns a user, the
        browser session is ignored; if it returns None, the session decides. It may ``abort(401)``.
        """
        self._request_loader = loader
        return loader

    def unauthorized_handler(self, handler: C) -> C:
        """Register a function that answers requests for which sign-in is required.

        If it returns None, the request is answered as without it.
        """
        self.unauthorized_callback = handler
        return handler

    def needs_refresh_handler(self, handler: C) -> C:
        """Register a function that answers requests for which a fresh sign-in is required.

        If it returns None, the request is answered as without it.
        """
        self.needs_refresh_callback = handler
        return handler

    async def unauthorized(self) -> ResponseTypes:
        """Ask a visitor to sign in: with a redirect to the sign-in page, or 401."""
        return await unauthorized()

    async def needs_refresh(self) -> ResponseTypes:
        """Ask a user to sign in again: with a redirect to ``refresh_view``, or 401."""
        return await needs_refresh()

    @property
    def user_callback(self) -> Loader | None:
        """The function of ``user_loader``."""
        return self._user_loader

    @property
    def request_callback(self) -> RequestLoader | None:
        """The function of ``request_loader``."""
        return self._request_loader

    def get_user_loader(self) -> Loader:
        """Return the registered loader.

        Raises:
            UserLoaderError: If there is none.
        """
        if self._user_loader is None:
            raise UserLoaderError("is missing")
        return self._user_loader

    async def reload_user(self) -> Any:
        """Load the current user again, for a WebSocket that has been open for a while.

        Returns:
            The user, or the anonymous user if the account was deleted, deactivated or given
            another ``auth_version``, or if a session store no longer has the session.
        """
        reload = getattr(session, "reload", None)
        if reload is not None:
            await reload()
        return await load_user()


async def _finish(response: Response) -> Response:
    """Run the async receivers of this request's signals, and write the remember cookie."""
    for call in waiting():
        await call()
    remember.apply(response)
    return response


async def _before() -> None:
    current = connection()
    assert current is not None  # noqa: S101  # Quart runs this only for one of the two
    endpoint = current.endpoint
    view = current_app.view_functions.get(endpoint) if endpoint else None
    if is_static(view):
        return  # without touching the session, so that caches may keep the file
    await load_user()
    if view is None or _is_automatic_options(current):
        return
    default = SIGNED_IN if STATE.get().required_by_default else PUBLIC
    app: Quart = unwrap(current_app)
    for access in ACCESS.around(app, str(endpoint), current.method) or (default,):
        await enforce(access)
        if access.public:  # it opens the view, whatever the blueprints around it demand
            return


def _is_automatic_options(current: Any) -> bool:
    if not isinstance(current, Request) or current.method != "OPTIONS":
        return False
    return bool(current.url_rule and current.url_rule.provide_automatic_options)
