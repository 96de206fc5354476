"""Signals of sign-in, with the names of Flask-Login; the sender is the app.

Receivers may be async. Those of ``login_user``, ``logout_user`` and ``confirm_login``, which are
not awaited, run before the response is sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from blinker import Namespace
from blinker.base import NamedSignal
from quart import current_app

from quarterdeck._quart import unwrap

_signals = Namespace()

user_logged_in = _signals.signal("logged-in")
"""Sent by ``login_user`` with ``user``."""
user_logged_out = _signals.signal("logged-out")
"""Sent by ``logout_user`` with ``user``, who may be anonymous."""
user_loaded_from_cookie = _signals.signal("loaded-from-cookie")
"""Sent with ``user`` when the remember cookie has signed a user in."""
user_loaded_from_request = _signals.signal("loaded-from-request")
"""Sent with ``user`` when a ``request_loader`` has found a user."""
user_login_confirmed = _signals.signal("login-confirmed")
"""Sent by ``confirm_login``."""
user_unauthorized = _signals.signal("unauthorized")
"""Sent when a visitor has to sign in."""
user_needs_refresh = _signals.signal("needs-refresh")
"""Sent when a user has to sign in again."""
user_accessed = _signals.signal("accessed")
"""Sent before the user of a request or WebSocket is loaded."""
session_protected = _signals.signal("session-protected")
"""Sent when a browser session comes from another address or program than at sign-in."""

Waiting = list[Callable[[], Awaitable[object]]]


async def send(signal: NamedSignal, **values: Any) -> None:
    """Send a signal from async code."""
    if signal.receivers:
        app = unwrap(current_app)
        await signal.send_async(app, _sync_wrapper=app.ensure_async, **values)  # type: ignore[arg-type]  # Quart declares ensure_async by overloads


def send_now(signal: NamedSignal, waiting: Waiting, **values: Any) -> None:
    """Send a signal from synchronous code; the calls of async receivers go into ``waiting``."""
    if not signal.receivers:
        return

    def defer(receiver: Callable[..., Awaitable[object]]) -> Callable[..., None]:
        return lambda *args, **kwargs: waiting.append(lambda: receiver(*args, **kwargs))

    signal.send(unwrap(current_app), _async_wrapper=defer, **values)
