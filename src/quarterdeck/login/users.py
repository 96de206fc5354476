"""The signed-in user: who it is, and how the browser session remembers it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from quart import (
    Request,
    Websocket,
    current_app,
    has_request_context,
    has_websocket_context,
    request,
    session,
    websocket,
)
from werkzeug.local import LocalProxy

from quarterdeck.exceptions import CurrentUserUnavailableError, LoginContextError, UserLoaderError

from .state import STATE

if TYPE_CHECKING:
    from quart.sessions import SessionMixin

USER_ID = "_user_id"
AUTH_VERSION = "_auth_version"
_FLASHES = "_flashes"
_ATTRIBUTE = "_quarterdeck_login_user"


class UserMixin:
    """What a user class needs beyond its columns; ``id`` is the only attribute asked for.

    A class may also have ``is_active`` (false: cannot sign in), ``auth_version`` (a change
    signs the user out everywhere), ``has_role(role)`` and ``has_permission(permission)``.
    """

    is_authenticated: ClassVar[bool] = True
    is_anonymous: ClassVar[bool] = False

    def get_id(self) -> str:
        """The text that the browser session remembers and the user loader is given."""
        return str(self.id)  # type: ignore[attr-defined]  # a column of the subclass


class AnonymousUser:
    """Nobody: false in a condition, not active, without roles."""

    is_authenticated: ClassVar[bool] = False
    is_anonymous: ClassVar[bool] = True
    is_active: ClassVar[bool] = False

    def __bool__(self) -> bool:
        return False

    def get_id(self) -> None:
        """Nobody has no id."""

    def has_role(self, role: object) -> bool:
        """Always false."""
        return False

    def has_permission(self, permission: object) -> bool:
        """Always false."""
        return False


ANONYMOUS = AnonymousUser()


class UnknownUser:
    """Stands in where the browser session cannot be read, so that nobody can say who it is."""

    def __init__(self, reason: Exception) -> None:
        self.reason = reason


def connection() -> Request | Websocket | None:
    """The request or WebSocket being handled in this context, if any."""
    if has_request_context():
        return request._get_current_object()  # type: ignore[attr-defined, no-any-return]
    if has_websocket_context():
        return websocket._get_current_object()  # type: ignore[attr-defined, no-any-return]
    return None


def _current_user() -> Any:
    current = connection()
    if current is None:
        raise CurrentUserUnavailableError
    # Absent only before the loading hook ran, for example on the error page of a request
    # whose session could not be opened: such a page is shown to nobody in particular.
    user = getattr(current, _ATTRIBUTE, ANONYMOUS)
    if isinstance(user, UnknownUser):
        set_current_user(ANONYMOUS)  # for the error page that follows
        raise user.reason
    return user


# The user lives on the request itself, not on ``g``: a nested app context has a ``g`` of its
# own, and a task started by the request belongs to the same person.
current_user: Any = LocalProxy(_current_user)
"""The user of this request or WebSocket, or an AnonymousUser; a proxy, nothing to await."""


def set_current_user(user: Any) -> None:
    """Make ``user`` the current user for the rest of this request."""
    setattr(connection(), _ATTRIBUTE, user)


def login_user(user: Any, remember: bool = False) -> bool:
    """Sign ``user`` in: from the next line on it is the current user.

    Everything else in the browser session is dropped but messages not shown yet, and the
    session gets a new id if its kind has one. With ``remember`` the session outlives the
    browser, for ``PERMANENT_SESSION_LIFETIME``.

    Returns:
        False, and nothing happens, if the user is not active.

    Raises:
        LoginContextError: If no request is being handled.
    """
    _need_request("login_user")
    if not is_active(user):
        return False
    user_id = user.get_id()
    kept = session.get(_FLASHES) if session.get(USER_ID) in {None, user_id} else None
    _empty(session)
    if kept:
        session[_FLASHES] = kept
    session[USER_ID] = user_id
    session[AUTH_VERSION] = _version(user)
    session.permanent = remember
    set_current_user(user)
    return True


def logout_user() -> None:
    """Sign the current user out and empty the browser session.

    Raises:
        LoginContextError: If no request is being handled.
    """
    _need_request("logout_user")
    _empty(session)
    set_current_user(ANONYMOUS)


async def load_user() -> Any:
    """Return the user that the request or its session names, or nobody; make it the current user.

    A user who is gone, not active, or whose ``auth_version`` has changed is signed out.
    """
    set_current_user(ANONYMOUS)
    user = await _user_of_request()
    if user is None:
        return await _load_user_of_session()
    if is_active(user):
        set_current_user(user)
        return user
    return ANONYMOUS


async def _user_of_request() -> Any:
    loader = STATE.get().manager.get_request_loader()
    return None if loader is None else await current_app.ensure_async(loader)(connection())


async def _load_user_of_session() -> Any:
    refusal = getattr(session, "refusal", None)
    if refusal is not None:  # a page that does not ask who it is may go on
        set_current_user(UnknownUser(refusal))
        return ANONYMOUS
    user_id = session.get(USER_ID)
    session.accessed = True  # Flask 3.1.3 notes it only in its own context: no Vary otherwise
    if user_id is None:
        return ANONYMOUS
    loader = STATE.get().manager.get_user_loader()
    user = await current_app.ensure_async(loader)(user_id)
    if user is not None and not hasattr(user, "get_id"):
        raise UserLoaderError(f"returned {user!r}, which has no 'get_id'")
    if user is None or not is_active(user) or session.get(AUTH_VERSION) != _version(user):
        if has_request_context():  # what a WebSocket changes in its session is not saved
            _empty(session)
        return ANONYMOUS
    set_current_user(user)
    return user


def is_active(user: Any) -> bool:
    """Whether the user may sign in; a class that does not say means yes."""
    active = getattr(user, "is_active", True)
    return bool(active() if callable(active) else active)


def _version(user: Any) -> Any:
    return getattr(user, "auth_version", None)


def _need_request(function: str) -> None:
    if not has_request_context():
        raise LoginContextError(function)


def _empty(browser_session: SessionMixin) -> None:
    """Drop all of it, the CSRF token too, and take a new id where there are ids."""
    browser_session.clear()
    regenerate = getattr(browser_session, "regenerate", None)
    if regenerate is not None:
        regenerate()
