"""Refusals: a redirect, a status or a close code."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NoReturn

from quart import abort, current_app, has_websocket_context, websocket
from quart.typing import ResponseTypes
from quart.wrappers import Response
from werkzeug.exceptions import HTTPException

from quarterdeck.config import boolean
from quarterdeck.exceptions import UserCapabilityError

from .answers import needs_refresh, unauthorized
from .config import STATE
from .signing_in import login_fresh
from .users import current_user

if TYPE_CHECKING:
    from .access import Access

NOT_SIGNED_IN = 4401
"""WebSocket close code for a visitor who has to sign in first."""
NOT_ALLOWED = 4403
"""WebSocket close code for a user without the needed role or permission."""


async def enforce(access: Access) -> None:
    """Return if the current user may, else end the request or close the WebSocket."""
    STATE.get()  # an app without it must not serve the view
    if access.public or boolean(current_app.config.get("LOGIN_DISABLED", False)):
        return
    user = current_user
    if not user.is_authenticated:
        await _refuse(NOT_SIGNED_IN, "Not signed in", unauthorized)
    if access.fresh and not login_fresh():
        await _refuse(NOT_SIGNED_IN, "Sign in again", needs_refresh)
    if not _allows(access, user):
        if has_websocket_context():
            await refuse_websocket(NOT_ALLOWED, "Not allowed")
        abort(403)


async def refuse_websocket(code: int, reason: str = "") -> NoReturn:
    """Accept the WebSocket, close it with ``code`` and end the handler.

    A browser learns the code only from a connection that was accepted first.
    """
    await websocket.accept()
    await websocket.close(code, reason)
    _end(Response(status=403))  # not sent: it only ends the handler


def _allows(access: Access, user: Any) -> bool:
    """Whether the user has one of the roles, if any is asked for, and all permissions."""
    if access.roles and not any(_ask(user, "has_role", role) for role in access.roles):
        return False
    return all(_ask(user, "has_permission", each) for each in access.permissions)


def _ask(user: Any, method: str, argument: Any) -> bool:
    try:
        question = getattr(user, method)
    except AttributeError:
        raise UserCapabilityError(method, "is missing") from None
    answer = question(argument)
    if inspect.isawaitable(answer):  # true in a condition, whatever it would have said
        if inspect.iscoroutine(answer):
            answer.close()
        raise UserCapabilityError(method, "is asynchronous")
    return bool(answer)


async def _refuse(code: int, reason: str, answer: Callable[[], Awaitable[Any]]) -> NoReturn:
    if has_websocket_context():
        await refuse_websocket(code, reason)
    _end(await answer())


def _end(response: ResponseTypes) -> NoReturn:
    """Answer with ``response``, past the error handlers."""
    raise HTTPException(response=response)
