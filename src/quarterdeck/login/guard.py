"""Refusing those who may not: a redirect, a status or a close code."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlencode

from quart import (
    abort,
    current_app,
    flash,
    has_websocket_context,
    redirect,
    request,
    session,
    url_for,
    websocket,
)
from quart.typing import ResponseTypes
from quart.wrappers import Response
from werkzeug.exceptions import HTTPException

from quarterdeck.exceptions import LoginViewNotPublicError, UserCapabilityError

from .next_url import return_path
from .state import STATE, LoginState
from .users import current_user

if TYPE_CHECKING:
    from .access import Access

NOT_SIGNED_IN = 4401
"""WebSocket close code for a visitor who has to sign in first."""
NOT_ALLOWED = 4403
"""WebSocket close code for a user without the needed role or permission."""


async def enforce(access: Access) -> None:
    """Return if the current user may, else end the request or close the WebSocket."""
    state = STATE.get()
    if access.public:
        return
    user = current_user
    if not user.is_authenticated:
        await _ask_to_sign_in(state)
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


async def _ask_to_sign_in(state: LoginState) -> NoReturn:
    if has_websocket_context():
        await refuse_websocket(NOT_SIGNED_IN, "Not signed in")
    if state.manager.on_unauthorized is not None:
        answer = await current_app.ensure_async(state.manager.on_unauthorized)()
        _end(await current_app.make_response(answer))
    login_view = _login_view(state)
    if login_view is None or not _is_navigation():
        abort(401)
    if request.endpoint == login_view:
        raise LoginViewNotPublicError(login_view)
    if state.message and not _is_waiting(state.message):
        await flash(state.message, state.message_category)
    _end(redirect(_login_url(login_view)))


def _login_view(state: LoginState) -> str | None:
    """The sign-in page for this request: that of the nearest blueprint which has its own."""
    of_blueprints = state.manager.blueprint_login_views
    for name in request.blueprints:
        if name in of_blueprints:
            return of_blueprints[name]
    return state.manager.login_view or state.login_view


def _end(response: ResponseTypes) -> NoReturn:
    """Answer with ``response``, past the error handlers."""
    raise HTTPException(response=response)


def _login_url(login_view: str) -> str:
    back = return_path()
    url = login_view if login_view.startswith("/") else url_for(login_view)
    return url if back is None else f"{url}?{urlencode({'next': back})}"


def _is_navigation() -> bool:
    """Whether a browser is about to show the answer as a page.

    It then names ``text/html``; a script says ``*/*`` or what it wants, and browsers also say
    in ``Sec-Fetch-Mode`` that it is a script.
    """
    if request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate":
        return False
    if request.headers.get("X-Requested-With") == "XMLHttpRequest":
        return False
    return any(kind.lower() == "text/html" and q > 0 for kind, q in request.accept_mimetypes)


def _is_waiting(message: str) -> bool:
    """Whether the message is still unread from an earlier redirect, for example a second tab."""
    return any(text == message for _, text in session.get("_flashes", []))
