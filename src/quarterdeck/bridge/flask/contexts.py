"""Contexts for ``with`` and ``async with``; a request shares the app context around it."""

from __future__ import annotations

from functools import cache
from types import TracebackType
from typing import Any, Self, cast

from quarterdeck._quart import MERGED_CONTEXTS, app_context, connection_of
from quarterdeck.bridge.colours import coloured
from quarterdeck.bridge.waiting import wait


class PlainContext:
    """What makes of a context of the kit one that a plain ``with`` enters."""

    __aenter__: Any
    __aexit__: Any

    def __enter__(self) -> Self:
        wait(self.__aenter__())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        wait(self.__aexit__(kind, error, traceback))


@cache
def both_ways(kind: type[Any]) -> type[Any]:
    """Return the subclass of a context of the kit whose push and pop are awaited or not."""
    members = {
        "push": coloured(kind.push, name="context.push", is_noted=False),
        "pop": coloured(kind.pop, name="context.pop", is_noted=False),
    }
    bases = (_SharedGlobals, PlainContext, kind) if MERGED_CONTEXTS else (PlainContext, kind)
    return type(kind.__name__, bases, {} if MERGED_CONTEXTS else members)


class _SharedGlobals:
    """The one context of Quart 0.23: in a test, a request has the ``g`` of the test's context.

    So it is in Flask and in Quart 0.22, where the app context of the test goes on in the request.
    """

    is_shared = False

    async def _push(self) -> None:
        outer: Any = app_context()
        mine: Any = self
        if (
            connection_of(self) is not None
            and outer is not None
            and outer.app is mine.app
            and connection_of(outer) is None
        ):
            self.is_shared = True
            mine.g = outer.g
        await cast(Any, super()).push()

    push = coloured(_push, name="context.push", is_noted=False)

    async def _pop(self, exc: BaseException | None = None) -> None:
        await cast(Any, super()).pop(exc)

    pop = coloured(_pop, name="context.pop", is_noted=False)
