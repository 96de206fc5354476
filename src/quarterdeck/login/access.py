"""Marks on views: who may open them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

from quart import current_app
from quart.views import View

from quarterdeck.exceptions import AccessConflictError

from .guard import enforce

V = TypeVar("V", bound=Callable[..., Any])
_MARK = "__quarterdeck_access__"


@dataclass(frozen=True, slots=True)
class Access:
    """Who may open a view.

    Attributes:
        public: Everybody, signed in or not.
        roles: Any one of these is enough; empty for no condition.
        permissions: All of these are needed.
    """

    public: bool = False
    roles: tuple[Any, ...] = ()
    permissions: tuple[Any, ...] = ()

    def merge(self, other: Access) -> Access:
        """Both conditions together.

        Raises:
            AccessConflictError: If they cannot be one.
        """
        if self.public != other.public:
            raise AccessConflictError("is both 'public' and restricted", "Remove one of the marks.")
        if self.roles and other.roles and self.roles != other.roles:
            raise AccessConflictError(
                "has 'role_required' twice", "Name all roles that may in one 'role_required'."
            )
        permissions = dict.fromkeys((*self.permissions, *other.permissions))
        return replace(self, roles=self.roles or other.roles, permissions=tuple(permissions))


PUBLIC = Access(public=True)
SIGNED_IN = Access()


def login_required(view: V) -> V:
    """Let only signed-in users open a view (a function, a View class or one of its methods)."""
    return _restrict(view, SIGNED_IN)


def role_required(*roles: Any) -> Callable[[V], V]:
    """Let only users open a view for whom ``has_role`` is true for one of ``roles``."""
    if not roles:
        raise AccessConflictError("has 'role_required' without a role", "Name at least one.")
    return lambda view: _restrict(view, Access(roles=roles))


def permission_required(*permissions: Any) -> Callable[[V], V]:
    """Let only users open a view for whom ``has_permission`` is true for all ``permissions``."""
    if not permissions:
        raise AccessConflictError(
            "has 'permission_required' without a permission", "Name at least one."
        )
    return lambda view: _restrict(view, Access(permissions=permissions))


def public(view: V) -> V:
    """Open a view to everybody, also where sign-in is required by default."""
    _mark(view, PUBLIC)
    return view


def access_of(view: Any) -> Access | None:
    """What is declared for a view function (as in ``app.view_functions``) or View class.

    Returns:
        None if nothing is declared.
    """
    own: Access | None = getattr(view, _MARK, None)
    of_class: Access | None = getattr(getattr(view, "view_class", None), _MARK, None)
    if own is None or of_class is None:
        return own or of_class
    return own.merge(of_class)


def _restrict(view: V, access: Access) -> V:
    """Mark a view, for the hook that runs before it, and guard the call itself.

    The hook makes the order of decorators and ``route`` irrelevant; the guarded call covers
    methods of a MethodView, and fails closed in an app without a LoginManager.
    """
    _mark(view, access)
    if isinstance(view, type) and issubclass(view, View):
        return cast(V, _guard_class(view))

    @functools.wraps(view)
    async def guarded(*args: Any, **kwargs: Any) -> Any:
        await enforce(access)
        return await current_app.ensure_async(view)(*args, **kwargs)

    return cast(V, guarded)


def _guard_class(view_class: type[View]) -> type[View]:
    dispatch: Callable[..., Any] = view_class.dispatch_request

    @functools.wraps(dispatch)
    async def dispatch_request(self: View, **kwargs: Any) -> Any:
        await enforce(access_of(type(self)) or SIGNED_IN)
        return await current_app.ensure_async(dispatch)(self, **kwargs)

    view_class.dispatch_request = dispatch_request  # type: ignore[method-assign]
    return view_class


def _mark(view: Any, access: Access) -> None:
    for layer in _layers(view):
        declared: Access | None = vars(layer).get(_MARK)
        merged = access if declared is None else declared.merge(access)
        setattr(layer, _MARK, merged)


def _layers(view: Any) -> Iterator[Any]:
    """The view and all that it wraps: ``route`` may have registered any of them."""
    yield view
    while (view := getattr(view, "__wrapped__", None)) is not None:
        yield view
