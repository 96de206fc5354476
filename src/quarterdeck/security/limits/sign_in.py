"""Growing delays for failed sign-ins, which never shut the owner of an account out for good."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer
from quart import current_app
from quart.wrappers import Response

from quarterdeck._quart import unwrap
from quarterdeck.exceptions import RateLimitExceededError

from .counting import Counters, seconds_until
from .keys import current_connection, digest, get_remote_address

MAX_ACCOUNTS = 8  # that one device cookie names
_COOKIE = "_quarterdeck_device_cookie"


@dataclass(frozen=True, slots=True)
class SignInAttempt:
    """One attempt to sign in. It counts as failed until ``succeed`` is called.

    Attributes:
        account: The name of the account, as given.
        is_known_device: Whether the device has signed in to this account before.
    """

    account: str
    is_known_device: bool
    _delays: SignInDelays
    _who: str

    async def succeed(self) -> None:
        """Forget the failed attempts, and recognise this device from now on."""
        await self._delays.forget(self._who)
        self._delays.remember_device(self.account)


class SignInDelays:
    """The delays of one app."""

    def __init__(self, counters: Counters, config: Mapping[str, Any]) -> None:
        self._counters = counters
        self._free: int = config["SIGN_IN_FREE_ATTEMPTS"]
        self._first: int = config["SIGN_IN_FIRST_DELAY_SECONDS"]
        self._longest: int = config["SIGN_IN_MAX_DELAY_SECONDS"]
        self._memory: int = config["SIGN_IN_MEMORY_SECONDS"]
        self._cookie: str = config["SIGN_IN_DEVICE_COOKIE"]
        self._cookie_seconds: int = config["SIGN_IN_DEVICE_SECONDS"]

    async def begin(self, account: str, *, is_enabled: bool) -> SignInAttempt:
        """Count an attempt. See ``Limiter.begin_sign_in``."""
        device, accounts = self._read_cookie()
        is_known = digest(account) in accounts
        who = digest(account, device if is_known else get_remote_address())
        attempt = SignInAttempt(account, is_known, self, who)
        if is_enabled:
            seconds = await self._counters.ask(lambda: self._count(who))
            self._counters.note(is_allowed=not seconds)
            if seconds:
                raise RateLimitExceededError(seconds)
        return attempt

    async def forget(self, who: str) -> None:
        """Reset the count and end a delay."""

        async def clear() -> None:
            for name in _names(who):
                await self._counters.storage.clear(name)

        await self._counters.ask(clear)

    async def _count(self, who: str) -> int:
        """Count an attempt and return 0, or the seconds that it comes too early.

        Each step is one atomic count of the storage, so that of many attempts at once no more
        than the free ones pass, and after a delay exactly one.
        """
        storage = self._counters.storage
        failed, waiting = _names(who)
        made = await storage.get(failed)
        if made < self._free:
            made = await storage.incr(failed, self._memory)
            if made >= self._free:
                await storage.incr(waiting, self._delay(made))
            return 0 if made <= self._free else await self._left(waiting)
        if await storage.incr(waiting, self._delay(made + 1)) > 1:
            return await self._left(waiting)
        await storage.incr(failed, self._memory)
        return 0

    async def _left(self, waiting: str) -> int:
        return seconds_until(await self._counters.storage.get_expiry(waiting))

    def _delay(self, made: int) -> int:
        """Return the delay after so many attempts."""
        doublings = min(made - self._free, 30)
        return min(self._longest, self._first << doublings)

    # --- the cookie of the device -----------------------------------------------------

    def remember_device(self, account: str) -> None:
        """Add the account to the cookie of this device, with the response of this request."""
        device, accounts = self._read_cookie()
        newest = dict.fromkeys((digest(account), *accounts))
        content = [device or secrets.token_urlsafe(16), *list(newest)[:MAX_ACCOUNTS]]
        value = _signer().dumps(content)
        setattr(current_connection(), _COOKIE, (self._cookie, value, self._cookie_seconds))

    def _read_cookie(self) -> tuple[str, list[str]]:
        """Return the id of the device and the accounts that signed in on it."""
        cookie = current_connection().cookies.get(self._cookie)
        if cookie is None:
            return "", []
        try:
            device, *accounts = _signer().loads(cookie, max_age=self._cookie_seconds)
        except (BadData, TypeError, ValueError):
            return "", []
        return str(device), accounts


def write_cookie(connection: Any, response: Response) -> None:
    """Write the cookie that ``remember_device`` has prepared."""
    planned = getattr(connection, _COOKIE, None)
    if planned is None:
        return
    name, value, seconds = planned
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        httponly=True,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        samesite="Lax",
        path=current_app.config["SESSION_COOKIE_PATH"] or "/",
    )


def _names(who: str) -> tuple[str, str]:
    return f"sign-in/{who}/failed", f"sign-in/{who}/waiting"


def _signer() -> URLSafeTimedSerializer:
    app: Any = unwrap(current_app)
    keys = [*(app.config.get("SECRET_KEY_FALLBACKS") or ()), app.secret_key]
    return URLSafeTimedSerializer(keys, salt="sign-in-device")
