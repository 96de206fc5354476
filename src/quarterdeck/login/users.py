"""The signed-in user, and the members that user classes need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from werkzeug.local import LocalProxy

from quarterdeck._exchange import note_user
from quarterdeck.exceptions import CurrentUserUnavailableError

from .config import STATE
from .context import connection

if TYPE_CHECKING:
    from quart.sessions import SessionMixin

_ATTRIBUTE = "_quarterdeck_login_user"


class UserMixin:
    """The members that a user class needs beyond its columns. It must have an ``id``.

    A class may also have ``is_active`` (false: cannot sign in), ``auth_version`` (a change
    signs the user out everywhere), ``has_role(role)`` and ``has_permission(permission)``.
    Users are equal if they have the same id.
    """

    is_authenticated: ClassVar[bool] = True
    is_anonymous: ClassVar[bool] = False
    if not TYPE_CHECKING:  # a column or a property of the subclass may have another type
        is_active = True

    __hash__ = object.__hash__

    def get_id(self) -> str:
        """Return the id as text, for the browser session and the user loader.

        Raises:
            NotImplementedError: If the class has no ``id``.
        """
        try:
            return str(self.id)  # type: ignore[attr-defined]  # a column of the subclass
        except AttributeError:
            message = f"'{type(self).__name__}' has no 'id'. Give it one, or its own 'get_id()'."
            raise NotImplementedError(message) from None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, UserMixin):
            return NotImplemented
        if self is other or getattr(self, "id", "") is None:  # a new row has no id yet
            return self is other
        return self.get_id() == other.get_id()


class AnonymousUser:
    """A visitor that is not signed in: false in a condition, not active, without roles."""

    is_authenticated: ClassVar[bool] = False
    is_anonymous: ClassVar[bool] = True
    is_active: ClassVar[bool] = False

    def __bool__(self) -> bool:
        return False

    def get_id(self) -> None:
        """The id of an anonymous user is None."""

    def has_role(self, role: object) -> bool:
        """Always false."""
        return False

    def has_permission(self, permission: object) -> bool:
        """Always false."""
        return False


AnonymousUserMixin = AnonymousUser
"""The name of Flask-Login, for a class with more methods."""


class UnknownUser:
    """Stands in for the user if the browser session cannot be read."""

    def __init__(self, session: SessionMixin) -> None:
        self._session = session

    @property
    def reason(self) -> Exception | None:
        """The error that the session raises; None once it is empty, on an error page."""
        return getattr(self._session, "refusal", None)


def anonymous() -> Any:
    """Return a visitor that is not signed in, of the class that the app has chosen."""
    return STATE.get().manager.anonymous_user()


def _current_user() -> Any:
    current = connection()
    if current is None:
        raise CurrentUserUnavailableError
    # Absent only before the loading hook ran, for example on the error page of a request
    # whose session could not be opened: such a page is shown to nobody in particular.
    user = getattr(current, _ATTRIBUTE, None)
    if user is None:
        return anonymous()
    if isinstance(user, UnknownUser):
        set_current_user(anonymous())  # for the error page that follows
        if user.reason is not None:
            raise user.reason
        return anonymous()
    return user


# The user lives on the request itself, not on ``g``: a nested app context has a ``g`` of its
# own, and a task started by the request belongs to the same person.
current_user: Any = LocalProxy(_current_user)
"""The user of this request or WebSocket, or an AnonymousUser; a proxy, nothing to await."""


def set_current_user(user: Any) -> None:
    """Make ``user`` the current user for the rest of this request."""
    current = connection()
    setattr(current, _ATTRIBUTE, user)
    if current is not None:
        note_user(current.scope, user, STATE.get().manager.id_attribute)


def is_active(user: Any) -> bool:
    """Return whether the user may sign in; true without the attribute ``is_active``."""
    active = getattr(user, "is_active", True)
    return bool(active() if callable(active) else active)


def version_of(user: Any) -> Any:
    """Return the ``auth_version`` of a user, if the class has one."""
    return getattr(user, "auth_version", None)
