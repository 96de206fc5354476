"""The one door from an app to what an extension keeps for it.

An extension instance owns its options; an app owns the state built from them.
So one instance can serve any number of apps and nothing bleeds between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar, cast

from quart import current_app

from .exceptions import ExtensionAlreadyInitializedError, ExtensionNotInitializedError

if TYPE_CHECKING:
    from quart import Quart

S = TypeVar("S")


class ExtensionState(Generic[S]):
    """Where one extension keeps its state: ``app.extensions[key]``.

    Args:
        key: The name that upstream Flask extensions use, for example ``"sqlalchemy"``.
        extension: The class name shown in error messages.
    """

    def __init__(self, key: str, extension: str) -> None:
        self.key = key
        self.extension = extension

    def attach(self, app: Quart, state: S) -> None:
        """Store the state of an app.

        Raises:
            ExtensionAlreadyInitializedError: If the app has state already.
        """
        self.refuse_second(app)
        app.extensions[self.key] = state

    def refuse_second(self, app: Quart) -> None:
        """Raise early, before ``init_app`` has changed anything."""
        if self.key in app.extensions:
            raise ExtensionAlreadyInitializedError(self.extension)

    def get(self, app: Quart | None = None) -> S:
        """Return the state of ``app``, or of the current app.

        Raises:
            ExtensionNotInitializedError: If ``init_app`` was not called for it.
            RuntimeError: If no app is given and no app context is active.
        """
        extensions = (app or current_app).extensions
        try:
            return cast(S, extensions[self.key])
        except KeyError:
            raise ExtensionNotInitializedError(self.extension) from None


async def close_extensions(app: Quart) -> None:
    """Close what the extensions of ``app`` hold open, the last initialised first.

    A state takes part by having an awaitable method ``aclose``. It is called at the end of
    every command, on the event loop of that command, and may be called more than once.
    """
    for state in reversed(list(app.extensions.values())):
        if (aclose := getattr(state, "aclose", None)) is not None:
            await aclose()
