"""The answers to visitors without a sign-in, or with one that is not fresh."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from quart import abort, current_app, flash, redirect, request, session
from quart.typing import ResponseTypes

from quarterdeck._navigation import is_navigation, is_script
from quarterdeck.exceptions import LoginViewNotPublicError

from . import config
from .config import STATE, LoginState
from .keys import NEXT
from .next_url import return_path
from .signals import send, user_needs_refresh, user_unauthorized
from .urls import expand_login_view, login_url


async def unauthorized() -> ResponseTypes:
    """Ask a visitor to sign in: with a redirect to the sign-in page, or 401."""
    state = STATE.get()
    await send(user_unauthorized)
    answer = await _own_answer(state.manager.unauthorized_callback)
    if answer is not None:
        return answer
    view = _login_view(state)
    if view is None or not _shows_pages(state):
        abort(401)
    if request.endpoint == view:
        raise LoginViewNotPublicError(view)
    return await _redirect(state, view, _message(state), _category(state))


async def needs_refresh() -> ResponseTypes:
    """Ask a user to sign in again: with a redirect to ``refresh_view``, or 401."""
    state = STATE.get()
    manager = state.manager
    await send(user_needs_refresh)
    answer = await _own_answer(manager.needs_refresh_callback)
    if answer is not None:
        return answer
    if manager.refresh_view is None or not _shows_pages(state):
        abort(401)
    return await _redirect(
        state,
        manager.refresh_view,
        manager.needs_refresh_message,
        manager.needs_refresh_message_category,
    )


async def _own_answer(handler: Callable[[], Any] | None) -> ResponseTypes | None:
    answer = None if handler is None else await current_app.ensure_async(handler)()
    return None if answer is None else await current_app.make_response(answer)


def _login_view(state: LoginState) -> str | None:
    """The sign-in page for this request: that of the nearest blueprint which has its own."""
    of_blueprints = state.manager.blueprint_login_views
    for name in request.blueprints:
        if name in of_blueprints:
            return of_blueprints[name]
    return state.manager.login_view or state.login_view


def _shows_pages(state: LoginState) -> bool:
    """Whether the client can follow a redirect to a page."""
    return is_navigation() if state.redirects_pages_only else not is_script()


def _message(state: LoginState) -> str | None:
    """The message of the manager if it was changed, else the one of the configuration."""
    chosen = state.manager.login_message
    if chosen != config.LOGIN_MESSAGE:
        return chosen
    return state.message if request.method in {"GET", "HEAD"} else state.form_message


def _category(state: LoginState) -> str:
    chosen = state.manager.login_message_category
    return state.message_category if chosen == config.LOGIN_MESSAGE_CATEGORY else chosen


async def _redirect(
    state: LoginState, view: str, message: str | None, category: str
) -> ResponseTypes:
    if message:
        await _flash_once(await _localized(state, message), category)
    back = return_path()
    if back is not None and state.next_in_session:
        session[NEXT] = back
        back = None
    return redirect(expand_login_view(view) if back is None else login_url(view, back))


async def _localized(state: LoginState, message: str) -> str:
    localize = state.manager.localize_callback
    found = message if localize is None else localize(message)
    return str(await found if inspect.isawaitable(found) else found)


async def _flash_once(message: str, category: str) -> None:
    """Flash a message, unless it still waits, for example because of a second tab."""
    if all(text != message for _, text in session.get("_flashes", [])):
        await flash(message, category)
