"""Decorators that declare the access to views and blueprints."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

from quart import Blueprint, Quart, current_app
from quart.views import View

from quarterdeck._marks import ACCESS
from quarterdeck.exceptions import AccessConflictError

from .config import STATE
from .guard import enforce

V = TypeVar("V", bound=Callable[..., Any] | Blueprint)


@dataclass(frozen=True, slots=True)
class Access:
    """The conditions for opening a view.

    Attributes:
        public: Whether sign-in is not required.
        roles: The user needs at least one of these; empty for no condition.
        permissions: The user needs all of these.
        fresh: Whether the user must have signed in during this browser session.
    """

    public: bool = False
    roles: tuple[Any, ...] = ()
    permissions: tuple[Any, ...] = ()
    fresh: bool = False

    def merge(self, other: Access) -> Access:
        """Return the combination of both conditions.

        Raises:
            AccessConflictError: If they contradict each other.
        """
        if self.public != other.public:
            raise AccessConflictError("is both 'public' and restricted", "Remove one of the marks.")
        if self.roles and other.roles and self.roles != other.roles:
            raise AccessConflictError(
                "has 'role_required' twice", "Name all roles that may in one 'role_required'."
            )
        permissions = dict.fromkeys((*self.permissions, *other.permissions))
        return replace(
            self,
            roles=self.roles or other.roles,
            permissions=tuple(permissions),
            fresh=self.fresh or other.fresh,
        )


PUBLIC = Access(public=True)
SIGNED_IN = Access()


def login_required(view: V) -> V:
    """Require sign-in for a view or for all views of a blueprint.

    A view is a function, a ``View`` class or a method of a ``MethodView``. The conditions of a
    view and of the blueprints around it must all be met; ``public`` on a view opens it.
    """
    return _restrict(view, SIGNED_IN)


def fresh_login_required(view: V) -> V:
    """Require sign-in during this browser session, for example to change a password.

    A user whom the remember cookie has signed in is sent to the ``refresh_view``.
    """
    return _restrict(view, Access(fresh=True))


def role_required(*roles: Any) -> Callable[[V], V]:
    """Require that the user's ``has_role`` is true for at least one of ``roles``."""
    if not roles:
        raise AccessConflictError("has 'role_required' without a role", "Name at least one.")
    return lambda view: _restrict(view, Access(roles=roles))


def permission_required(*permissions: Any) -> Callable[[V], V]:
    """Require that the user's ``has_permission`` is true for all ``permissions``."""
    if not permissions:
        raise AccessConflictError(
            "has 'permission_required' without a permission", "Name at least one."
        )
    return lambda view: _restrict(view, Access(permissions=permissions))


def public(view: V) -> V:
    """Open a view or a blueprint without sign-in, also where sign-in is required by default."""
    _refuse_app(view)
    ACCESS.put(view, PUBLIC)
    return view


def access_of(view: Any) -> Access | None:
    """Return the access declared on a view function, a ``View`` class or a blueprint.

    Returns:
        None without a declaration. The blueprints around a view are not included.
    """
    return ACCESS.get(view)


def _restrict(view: V, access: Access) -> V:
    """Mark a view, for the hook that runs before it, and guard the call itself.

    With the hook, the order of decorators and ``route`` does not matter. The guarded call covers
    the methods of a ``MethodView``, and refuses requests in an app without a ``LoginManager``.
    """
    _refuse_app(view)
    ACCESS.put(view, access)
    if isinstance(view, Blueprint):
        view.before_request(_need_login_manager)
        view.before_websocket(_need_login_manager)
        return view
    if isinstance(view, type) and issubclass(view, View):
        return cast(V, _guard_class(view))

    function = cast(Callable[..., Any], view)

    @functools.wraps(function)
    async def guarded(*args: Any, **kwargs: Any) -> Any:
        await enforce(access)
        return await current_app.ensure_async(function)(*args, **kwargs)

    return cast(V, guarded)


def _refuse_app(target: object) -> None:
    if isinstance(target, Quart):
        raise AccessConflictError(
            "is an app", "Use 'LoginManager(require_login=True)' for all views of an app."
        )


async def _need_login_manager() -> None:
    """Refuse the request if no ``LoginManager`` checks the mark of the blueprint."""
    STATE.get()


def _guard_class(view_class: type[View]) -> type[View]:
    dispatch: Callable[..., Any] = view_class.dispatch_request

    @functools.wraps(dispatch)
    async def dispatch_request(self: View, **kwargs: Any) -> Any:
        await enforce(access_of(type(self)) or SIGNED_IN)
        return await current_app.ensure_async(dispatch)(self, **kwargs)

    view_class.dispatch_request = dispatch_request  # type: ignore[method-assign]  # every use of the class is guarded
    return view_class
