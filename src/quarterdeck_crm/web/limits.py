"""The limits of the CRM: each rate is a configuration key, counted by user or by address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from quart import current_app

from quarterdeck.app import Blueprint
from quarterdeck.login import current_user
from quarterdeck.security.limits import get_remote_address, limit, shared_limit
from quarterdeck_crm.extensions import limiter

V = TypeVar("V", bound=Callable[..., Any] | Blueprint)


def user_or_address() -> str:
    """Return the id of the user, or the address of a visitor."""
    if current_user.is_authenticated:
        return f"user {current_user.id}"
    return get_remote_address()


def limited(key: str) -> Callable[[V], V]:
    """Limit a view by user, at the rate in a configuration key."""
    return limit(lambda: rate_of(key), key=user_or_address)


def limited_together(key: str) -> Callable[[V], V]:
    """Limit views by user with one count for all that name the same configuration key."""
    return shared_limit(lambda: rate_of(key), scope_of(key), key=user_or_address)


async def count_use(key: str, who: str) -> None:
    """Count one use of something that is no view.

    Raises:
        RateLimitExceededError: If that is one too many.
    """
    await limiter.hit(rate_of(key), scope_of(key), who)


def rate_of(key: str) -> str:
    """Return the configured rate."""
    rate: str = current_app.config[key]
    return rate


def scope_of(key: str) -> str:
    """Return the name of a limit, as clients read it: ``LIMIT_API`` is ``api``."""
    return key.removeprefix("LIMIT_").replace("_", "-").lower()
