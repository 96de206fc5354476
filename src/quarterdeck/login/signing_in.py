"""Signing in and out, and how fresh a sign-in is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from quart import session

from quarterdeck._quart import unwrap
from quarterdeck.config import seconds
from quarterdeck.exceptions import RememberDurationError

from . import remember as remember_cookie
from .config import STATE
from .context import connection, empty, need_request
from .keys import AUTH_VERSION, FORCED, FRESH, IDENTIFIER, REPLACED, USER_ID
from .protection import identifier
from .signals import (
    Waiting,
    send_now,
    user_logged_in,
    user_logged_out,
    user_login_confirmed,
)
from .users import current_user, is_active, set_current_user, version_of

_WAITING = "_quarterdeck_login_signals"


def login_user(
    user: Any,
    remember: bool = False,
    duration: timedelta | float | None = None,
    force: bool = False,
    fresh: bool = True,
) -> bool:
    """Sign ``user`` in; it becomes the current user at once.

    The browser session keeps its data, such as a cart, and gets a new id if its kind has one.
    If another user was signed in, the data of that user is dropped.

    Args:
        user: An object with ``get_id``.
        remember: Whether the sign-in outlives the browser.
        duration: How long, in seconds if it is a number, instead of
            ``REMEMBER_COOKIE_DURATION``.
        force: Sign in although the user is not active.
        fresh: Whether the sign-in is good for ``fresh_login_required``.

    Returns:
        False, and nothing happens, if the user is not active.

    Raises:
        LoginContextError: If no request is being handled.
        RememberDurationError: If ``duration`` is negative, or no length of time.
    """
    need_request("login_user")
    if not (force or is_active(user)):
        return False
    state = STATE.get()
    lifetime = state.remember_cookie.seconds if duration is None else _seconds(duration)
    user_id = getattr(user, state.manager.id_attribute)()
    start_session(user_id, version_of(user), fresh=fresh, forced=force)
    if state.remembers_by_session:
        session.permanent = remember
    else:
        # The session ends with the browser, unless the app has decided about it.
        session.setdefault("_permanent", False)
    if remember and not state.remembers_by_session:
        remember_cookie.plan(remember_cookie.Remembered(user_id, version_of(user), lifetime))
    set_current_user(user)
    send_now(user_logged_in, waiting(), user=user)
    return True


def _seconds(duration: timedelta | float) -> float:
    try:
        return seconds(duration)
    except ValueError as error:
        raise RememberDurationError(duration, str(error)) from None


def start_session(user_id: Any, version: Any, *, fresh: bool, forced: bool = False) -> None:
    """Begin the session of a user with the data of the visitor, under a new id."""
    state = STATE.get()
    is_other = session.get(USER_ID) not in {None, user_id}
    kept = {} if is_other else {k: v for k, v in session.items() if k not in REPLACED}
    empty(session)
    session.update(kept)
    session[USER_ID] = user_id
    session[AUTH_VERSION] = version
    session[FRESH] = fresh
    if forced:
        session[FORCED] = True
    if state.session_protection is not None:
        session[IDENTIFIER] = identifier()


def session_data(user: Any, *, fresh: bool = True) -> dict[str, Any]:
    """Return what a browser session holds of a signed-in user, for test clients."""
    user_id = getattr(user, STATE.get().manager.id_attribute)()
    return {USER_ID: user_id, AUTH_VERSION: version_of(user), FRESH: fresh}


def logout_user() -> bool:
    """Sign the current user out, empty the browser session and delete the remember cookie.

    Raises:
        LoginContextError: If no request is being handled.
    """
    need_request("logout_user")
    user = unwrap(current_user)
    empty(session)
    remember_cookie.plan(None)
    set_current_user(STATE.get().manager.anonymous_user())
    send_now(user_logged_out, waiting(), user=user)
    return True


def confirm_login() -> None:
    """Make the sign-in fresh, after the user has entered the password again.

    The browser session gets a new id if its kind has one.
    """
    need_request("confirm_login")
    if USER_ID in session:
        forced = FORCED in session
        start_session(session[USER_ID], session.get(AUTH_VERSION), fresh=True, forced=forced)
    send_now(user_login_confirmed, waiting())


def login_fresh() -> bool:
    """Return whether the user has signed in during this browser session."""
    return bool(session.get(FRESH, False))


def login_remembered() -> bool:
    """Return whether the sign-in outlives the browser."""
    if STATE.get().remembers_by_session:
        return USER_ID in session and session.permanent
    return remember_cookie.remembered() is not None


def waiting() -> Waiting:
    """Return the calls of async receivers that run before the response is sent."""
    current = connection()
    if not hasattr(current, _WAITING):
        setattr(current, _WAITING, [])
    calls: Waiting = getattr(current, _WAITING)
    return calls
