"""The access from an app to the state of an extension.

An extension instance owns its options; an app owns the state built from them.
So one instance can serve any number of apps and nothing bleeds between them.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from quart import current_app, has_app_context

from .exceptions import (
    AppContextMissingError,
    ExtensionAlreadyInitializedError,
    ExtensionNotInitializedError,
)

if TYPE_CHECKING:
    from quart import Quart

S = TypeVar("S")

_LOOP = "quarterdeck_loop"  # where ``app.extensions`` holds the event loop that serves it
_STATES = "quarterdeck"  # where ``app.extensions`` holds the states by the key of the extension


class ExtensionState(Generic[S]):
    """Where one extension keeps its state for each app.

    ``app.extensions[key]`` holds the extension itself, as in Flask.

    Args:
        key: The name that upstream Flask extensions use, for example ``"sqlalchemy"``.
        extension: The class name shown in error messages.
    """

    def __init__(self, key: str, extension: str) -> None:
        self.key = key
        self.extension = extension

    def attach(self, app: Quart, state: S, extension: object = None) -> None:
        """Store the state of an app, and the extension, if there is an object for it.

        Raises:
            ExtensionAlreadyInitializedError: If the app has state already.
        """
        self.refuse_second(app)
        app.extensions[self.key] = state if extension is None else extension
        if _STATES not in app.extensions:
            app.extensions[_STATES] = {}
            _follow_loop(app)
        app.extensions[_STATES][self.key] = state

    def refuse_second(self, app: Quart) -> None:
        """Raise early, before ``init_app`` has changed anything."""
        if self.key in app.extensions:
            raise ExtensionAlreadyInitializedError(self.extension)

    def get(self, app: Quart | None = None) -> S:
        """Return the state of ``app``, or of the current app.

        Raises:
            ExtensionNotInitializedError: If ``init_app`` was not called for it.
            AppContextMissingError: If no app is given and no app context is active.
        """
        try:
            return cast(S, (app or current_app).extensions[_STATES][self.key])
        except KeyError:
            raise ExtensionNotInitializedError(self.extension) from None
        except RuntimeError:
            if app is not None or has_app_context():
                raise
            raise AppContextMissingError(self.extension) from None


def _follow_loop(app: Quart) -> None:
    async def started() -> None:
        app.extensions[_LOOP] = asyncio.get_running_loop()

    async def stopped() -> None:
        app.extensions.pop(_LOOP, None)

    app.before_serving(started)
    app.after_serving(stopped)


def loop_of(app: Quart) -> asyncio.AbstractEventLoop | None:
    """Return the event loop that serves ``app``, to which its connections belong."""
    loop: asyncio.AbstractEventLoop | None = app.extensions.get(_LOOP)
    return loop if loop is not None and loop.is_running() else None


#: Why several processes cannot serve an app: the name of a setting, and the remedy. A state has
#: it as ``single_process``, None if they can.
SingleProcess = tuple[str, str]


#: A table that a room makes by itself: its schema, None for the default one, and its name.
OwnTable = tuple[str | None, str]


def own_tables(app: Quart) -> set[OwnTable]:
    """Return the tables that the rooms of ``app`` make by themselves.

    A state names them in a property ``own_tables``. Migrations leave them alone, unless the app
    has declared them in its metadata.
    """
    found = (getattr(state, "own_tables", ()) for state in states_of(app))
    return {table for tables in found for table in tables}


async def create_own_tables(app: Quart) -> None:
    """Make the tables of ``own_tables`` now, by the methods ``create_own_tables`` of the states."""
    async with app.app_context():
        for state in states_of(app):
            if (create := getattr(state, "create_own_tables", None)) is not None:
                await create()


def set_in_code(app: Quart) -> dict[str, object]:
    """Return the values that arguments and attributes of extensions put in place of keys.

    A state names them by key in a property ``set_in_code``.
    """
    found: dict[str, object] = {}
    for state in states_of(app):
        found |= getattr(state, "set_in_code", {})
    return found


async def close_extensions(app: Quart) -> None:
    """Close the resources of the extensions of ``app``, the last initialised first.

    A state takes part by having an awaitable method ``aclose``. It is called at the end of
    every command, on the event loop of that command, and may be called more than once.
    """
    for state in reversed(states_of(app)):
        if (aclose := getattr(state, "aclose", None)) is not None:
            await aclose()


async def release_resources() -> None:
    """Release resources of the current unit of work that it can take again.

    Code of the kit calls it before it waits for something slow outside the app: the rest of a
    request body, a password hash, a mail server. Otherwise as many slow clients as the pool has
    connections would stop the site. A state takes part by having an awaitable method
    ``release_while_waiting``.
    """
    if not has_app_context():
        return
    for state in states_of(current_app):
        if (release := getattr(state, "release_while_waiting", None)) is not None:
            await release()


def states_of(app: Quart) -> list[object]:
    """Return the states of our extensions, and all that others keep in ``app.extensions``."""
    found = [*app.extensions.values(), *app.extensions.get(_STATES, {}).values()]
    return list({id(state): state for state in found}.values())
