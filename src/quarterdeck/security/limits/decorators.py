"""Decorators that limit views and blueprints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from limits import RateLimitItem
from quart import Blueprint, Quart, current_app

from quarterdeck._marks import Mark, Need, check_calls
from quarterdeck.exceptions import ExtensionNotInitializedError

from .config import parse_rate
from .keys import KeyFunction

V = TypeVar("V", bound=Callable[..., Any] | Blueprint)

#: A rate, or a function that returns it, for example from the configuration.
Rate = str | Callable[[], str]


@dataclass(frozen=True, slots=True, eq=False)
class Limit:
    """One limit.

    Attributes:
        rate: The rate, or a function that returns it.
        key: Returns whom to count; None for the key function of the Limiter.
        scope: Views that share a count have the same scope; None is the endpoint.
    """

    rate: Rate
    key: KeyFunction | None = None
    scope: str | None = None

    def items(self) -> tuple[RateLimitItem, ...]:
        """Return the parsed rate, in an app context if it is a function."""
        return parse_rate(self.rate if isinstance(self.rate, str) else self.rate())


LIMITS: Mark[tuple[Limit, ...]] = Mark(
    "limits",
    lambda outer, inner: tuple(dict.fromkeys((*outer, *inner))),
    Need("limiter", "Limiter", "limit"),
)
EXEMPT: Mark[bool] = Mark("limits_exempt")


def limit(rate: Rate, *, key: KeyFunction | None = None) -> Callable[[V], V]:
    """Limit how often each client may use a view, or each view of a blueprint::

        @app.post("/search")
        @limit("5/minute; 100/day")
        async def search(): ...

    For a WebSocket it limits the handshakes. Several limits, and those of a view and the
    blueprints around it, all apply.

    The app needs a ``Limiter``: without one the app does not start, or the view raises
    ExtensionNotInitializedError.

    Args:
        rate: Such as ``"5/minute"``; several with ``;`` between them, ``""`` for no limit. A
            function that returns the rate is called for each request.
        key: Returns whom to count, such as the id of the user; None lifts the limit for this
            request. Without it, the key function of the Limiter, which is the address.

    Raises:
        ValueError: If the rate cannot be understood.
    """
    return _mark(Limit(rate, key))


def shared_limit(rate: Rate, scope: str, *, key: KeyFunction | None = None) -> Callable[[V], V]:
    """As ``limit``, with one count for all views that have the same ``scope``."""
    return _mark(Limit(rate, key, scope))


def exempt(view: V) -> V:
    """Lift all limits from a view or blueprint: those of blueprints and the default ones."""
    EXEMPT.put(view, True)
    return view


def _mark(found: Limit) -> Callable[[V], V]:
    if isinstance(found.rate, str):
        found.items()

    def mark(view: V) -> V:
        if isinstance(view, Quart):
            raise TypeError("An app cannot be limited. Set RATELIMIT_DEFAULT instead.")
        LIMITS.put(view, (found,))
        if isinstance(view, Blueprint):
            view.before_request(_need_limiter)
            view.before_websocket(_need_limiter)
            return view
        return check_calls(view, _need_limiter)

    return mark


async def _need_limiter() -> None:
    """Refuse the request if no ``Limiter`` counts it."""
    if "limiter" not in current_app.extensions:
        raise ExtensionNotInitializedError("Limiter")
