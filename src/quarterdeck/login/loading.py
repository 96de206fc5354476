"""Finding the user of a request or WebSocket: by itself, its session or its remember cookie."""

from __future__ import annotations

from typing import Any

from quart import current_app, has_request_context, session

from quarterdeck._quart import unwrap
from quarterdeck.exceptions import UserLoaderError

from . import remember
from .config import STATE
from .context import connection, empty
from .keys import AUTH_VERSION, FORCED, USER_ID
from .protection import is_refused
from .signals import send, user_accessed, user_loaded_from_cookie, user_loaded_from_request
from .signing_in import start_session
from .users import UnknownUser, anonymous, is_active, set_current_user, version_of


async def load_user() -> Any:
    """Load the user of the request or its session, and make it the current user.

    A user that is gone, not active, or has another ``auth_version`` is signed out.
    """
    await send(user_accessed)
    set_current_user(anonymous())
    found = await _find()
    if found is None:
        return anonymous()
    set_current_user(found)
    return anonymous() if isinstance(found, UnknownUser) else found


async def _find() -> Any:
    user = await _user_of_request()
    if user is not None:
        return user if is_active(user) else None
    if getattr(session, "refusal", None) is not None:  # a page that asks for no user may go on
        return UnknownUser(unwrap(session))
    user_id = session.get(USER_ID)
    session.accessed = True  # Flask 3.1.3 notes it only in its own context: no Vary otherwise
    if user_id is None:
        return await _user_of_cookie()
    if not _loads_by_id():
        return None
    if await is_refused():
        remember.plan(None)
        return None
    user = await _user_with(user_id, session.get(AUTH_VERSION), forced=FORCED in session)
    # Changes inside a WebSocket are not saved.
    if user is None and has_request_context() and STATE.get().manager.ends_lost_sessions:
        empty(session)
    return user


def _loads_by_id() -> bool:
    """Whether an id in the session counts: in an app with a request loader only, it does not."""
    manager = STATE.get().manager
    return manager.user_callback is not None or manager.request_callback is None


async def _user_of_request() -> Any:
    loader = STATE.get().manager.request_callback
    if loader is None:
        return None
    user = await current_app.ensure_async(loader)(connection())
    if user is not None:
        await send(user_loaded_from_request, user=user)
    return user


async def _user_of_cookie() -> Any:
    if STATE.get().manager.user_callback is None:
        return None
    content = remember.remembered()
    if content is None:
        return None
    user = await _user_with(content.user_id, content.version)
    if has_request_context():
        if user is None:
            remember.plan(None)
            return None
        start_session(content.user_id, content.version, fresh=False)
    if user is not None:
        await send(user_loaded_from_cookie, user=user)
    return user


async def _user_with(user_id: Any, version: Any, *, forced: bool = False) -> Any:
    """Return the user with this id, unless the user may not be signed in any more."""
    loader = STATE.get().manager.get_user_loader()
    user = await current_app.ensure_async(loader)(user_id)
    if user is None:
        return None
    if not hasattr(user, STATE.get().manager.id_attribute):
        raise UserLoaderError(f"returned {user!r}, which has no 'get_id'")
    return user if (forced or is_active(user)) and version == version_of(user) else None
