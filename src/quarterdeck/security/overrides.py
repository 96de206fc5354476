"""The decorator that gives a view or a blueprint a policy of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, Unpack

from quart import Quart

from quarterdeck._marks import Mark, Need

from .policy import Changes, Policy

V = TypeVar("V")


def _merge(outer: Changes, inner: Changes) -> Changes:
    return {**inner, **outer}


CHANGES: Mark[Changes] = Mark(
    "security_headers", _merge, Need("security", "Security", "security_headers")
)


def security_headers(**changes: Unpack[Changes]) -> Callable[[V], V]:
    """Change the headers of a view, of a View class, or of all views of a blueprint.

    The changes of a blueprint are applied first, then those of the view. A header that the view
    sets on its response itself always wins.

    Args:
        **changes: The parts to change; see ``Changes``.
    """

    def decorate(view: V) -> V:
        CHANGES.put(view, changes)
        return view

    return decorate


class Policies:
    """The policies of the endpoints of one app, each made at its first request.

    Args:
        app: The app.
        default: The policy of all responses without an endpoint of their own.
    """

    def __init__(self, app: Quart, default: Policy) -> None:
        self._app = app
        self._default = default
        self._known: dict[tuple[str, str], Policy] = {}

    def of(self, endpoint: str | None, method: str) -> Policy:
        """Return the policy of an endpoint.

        Raises:
            SecurityPolicyError: If a decorator has a directive or a value that cannot work.
        """
        if endpoint is None:
            return self._default
        key = (endpoint, method)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._make(endpoint, method)
        return known

    def _make(self, endpoint: str, method: str) -> Policy:
        policy = self._default
        for changes in reversed(CHANGES.around(self._app, endpoint, method)):
            policy = policy.changed(changes)
        return policy
