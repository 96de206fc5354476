"""Marks that decorators leave on views, view classes, their methods and blueprints.

A room reads its mark in a hook that runs before the view, so the order of decorators and of
``route`` does not matter as long as the decorators use ``functools.wraps``.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any, Generic, TypeVar, cast

from quart import Blueprint, Quart, current_app
from quart.views import View

from .exceptions import MarkWithoutExtensionError

T = TypeVar("T")
V = TypeVar("V", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Need:
    """The extension without which a mark has no effect.

    Attributes:
        key: Of the extension in ``app.extensions``.
        extension: The name of its class.
        decorator: The name of the decorator that leaves the mark.
    """

    key: str
    extension: str
    decorator: str


_NEEDS: list[tuple[Mark[Any], Need]] = []
_Key = tuple[str, str | None, Any, int]  # endpoint, method, view, number of marks so far


class Mark(Generic[T]):
    """One kind of mark, stored as an attribute of the marked object.

    Args:
        name: Names the attribute; unique within the kit.
        merge: Combines two marks of one view, the outer first; without it the outer wins.
        need: An app with such marks must have this extension.
    """

    def __init__(
        self, name: str, merge: Callable[[T, T], T] | None = None, need: Need | None = None
    ) -> None:
        self._attribute = f"__quarterdeck_{name}__"
        self._merge = merge or (lambda outer, inner: outer)
        self._found = f"_quarterdeck_{name}_marks"  # the attribute of the app
        self._puts = 0
        if need is not None:
            _NEEDS.append((self, need))

    def put(self, target: Any, value: T) -> None:
        """Mark the target and every function that it wraps: any of them may be registered."""
        for layer in _layers(target):
            own: T | None = vars(layer).get(self._attribute)
            setattr(layer, self._attribute, value if own is None else self._merge(value, own))
        self._puts += 1

    def get(self, target: Any) -> T | None:
        """Return the mark of a view function, a view class or a blueprint, None without one.

        The mark of a view function includes the marks of the functions that it wraps and of
        its view class.
        """
        found: list[T] = []
        for layer in _layers(target):
            for holder in (layer, getattr(layer, "view_class", None)):
                own: T | None = getattr(holder, self._attribute, None)
                if own is not None:
                    found.append(own)
        return reduce(self._merge, found) if found else None

    def get_method(self, view: Any, method: str) -> T | None:
        """Return the mark of the ``MethodView`` method that answers an HTTP method."""
        for layer in _layers(view):
            view_class = getattr(layer, "view_class", None)
            function = getattr(view_class, method.lower(), None)
            if function is None and method == "HEAD":
                function = getattr(view_class, "get", None)
            if function is not None:
                return self.get(function)
        return None

    def on_endpoint(self, app: Quart, endpoint: str, method: str | None = None) -> bool:
        """Whether the view of an endpoint, or a blueprint that holds it, has the mark.

        Args:
            app: The app that the endpoint belongs to.
            endpoint: As in ``app.view_functions``.
            method: The HTTP method of the request, to include the marks of methods.
        """
        return bool(self.around(app, endpoint, method))

    def around(self, app: Quart, endpoint: str, method: str | None = None) -> tuple[T, ...]:
        """Return the marks of an endpoint, from the view out to the outermost blueprint.

        The mark of a method counts if its view has none. What was found is remembered: each
        request asks for several marks.

        Args:
            app: The app that the endpoint belongs to.
            endpoint: As in ``app.view_functions``.
            method: The HTTP method of the request, to include the marks of methods.
        """
        view = app.view_functions.get(endpoint)
        found: dict[_Key, tuple[T, ...]] = vars(app).setdefault(self._found, {})
        key = endpoint, method, view, self._puts
        if (marks := found.get(key)) is None:
            marks = found[key] = tuple(self._look(app, endpoint, method, view))
        return marks

    def _look(self, app: Quart, endpoint: str, method: str | None, view: Any) -> Iterator[T]:
        own = self.get(view)
        if own is None and method is not None:
            own = self.get_method(view, method)
        for mark in (own, *(self.get(each) for each in _blueprints(app, endpoint))):
            if mark is not None:
                yield mark


#: The access that ``quarterdeck.login`` declares. It is here so that other rooms can read it.
ACCESS: Mark[Any] = Mark(
    "access",
    lambda outer, inner: outer.merge(inner),
    Need("login", "LoginManager", "login_required"),
)


def refuse_marks_without_extension(app: Quart) -> None:
    """Raise MarkWithoutExtensionError if a view is marked for an extension that is not there."""
    missing = [(mark, need) for mark, need in _NEEDS if need.key not in app.extensions]
    if not missing:
        return
    for rule in app.url_map.iter_rules():
        for method in rule.methods or {"GET"}:
            for mark, need in missing:
                found = mark.around(app, rule.endpoint, method)
                if any(not getattr(value, "public", False) for value in found):
                    raise MarkWithoutExtensionError(need.decorator, rule.endpoint, need.extension)


def check_calls(view: V, check: Callable[[], Awaitable[None]]) -> V:
    """Return a view that awaits ``check`` before each call; a ``View`` class is changed itself."""
    is_class = isinstance(view, type) and issubclass(view, View)
    target: Any = view
    function: Callable[..., Any] = target.dispatch_request if is_class else target

    @functools.wraps(function)
    async def checked(*args: Any, **kwargs: Any) -> Any:
        await check()
        return await current_app.ensure_async(function)(*args, **kwargs)

    if not is_class:
        return cast(V, checked)
    target.dispatch_request = checked
    return view


def is_static(view: Any) -> bool:
    """Whether the view is the one that Quart adds for the static folder of an app or blueprint."""
    owner = getattr(view, "__self__", None)
    return isinstance(owner, Quart | Blueprint) and view.__name__ == "send_static_file"


def _layers(view: Any) -> Iterator[Any]:
    """Yield the view and all that it wraps, the outermost first."""
    while view is not None:
        yield getattr(view, "__func__", view)  # a bound method takes no attributes
        view = getattr(view, "__wrapped__", None)


def _blueprints(app: Quart, endpoint: str) -> Iterator[Any]:
    """Yield the blueprints that hold an endpoint, the innermost first."""
    name = endpoint.rpartition(".")[0]
    while name:
        yield app.blueprints.get(name)
        name = name.rpartition(".")[0]
