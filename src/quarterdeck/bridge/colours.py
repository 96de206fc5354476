"""Functions that are awaited in an ``async def``, and called as before in a plain ``def``.

The frame of the caller decides. So the functions of an app are converted one by one, in any
order. Lambdas and generator expressions are plain functions. ``map``, ``functools.partial`` and
thread pools have no frame: what they call takes the colour of the frame that runs them.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Coroutine
from functools import wraps
from time import perf_counter
from types import FrameType
from typing import Any, NoReturn

from quarterdeck._unawaited import Call, Unawaited, current_calls
from quarterdeck.exceptions import NotAwaitedError

from .wait_log import note
from .waiting import asynchronous, in_bridge, run, wait

_COMPREHENSIONS = {"<listcomp>", "<setcomp>", "<dictcomp>"}
_ASYNC = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR | inspect.CO_ITERABLE_COROUTINE


class Pending(Call[Any]):
    """A call in an ``async def`` that waits for its ``await``.

    It raises NotAwaitedError, with the file and the line of the call, where it is used as if it
    were the result. If it is not used at all, the request ends with that error; outside of an
    app context there is a RuntimeWarning.
    """

    __slots__ = ("_name",)

    def __init__(
        self,
        name: str,
        work: Callable[..., Coroutine[Any, Any, Any]],
        arguments: tuple[Any, ...],
        options: dict[str, Any],
        calls: Unawaited | None,
    ) -> None:
        self._name = name
        super().__init__("", work, arguments, options, calls)

    @property
    def error(self) -> NotAwaitedError:
        """The error of this call, with the file and the line."""
        code, line = self._place
        place = "" if code is None else f"at {code.co_filename}:{line}"
        return NotAwaitedError(self._name, place)

    def _refuse_use(self, *_arguments: object) -> NoReturn:
        self.close()
        raise self.error

    def __eq__(self, other: object) -> bool:
        return self is other or (not isinstance(other, Pending) and self._refuse_use())

    __hash__ = object.__hash__  # asyncio.gather() asks for it

    __call__ = __contains__ = __enter__ = __exit__ = _refuse_use
    __add__ = __radd__ = __lt__ = __le__ = __gt__ = __ge__ = __int__ = __setitem__ = _refuse_use


def is_async_caller(depth: int = 2) -> bool:
    """Whether the function at this depth of the stack is an ``async def``."""
    return _is_async(sys._getframe(depth))


def is_kit_caller(depth: int = 2) -> bool:
    """Whether the function at this depth is part of the kit, where plain functions never wait."""
    name: str = sys._getframe(depth).f_globals.get("__name__", "")
    return name.startswith("quarterdeck.") and not name.startswith("quarterdeck.bridge.")


def _is_async(frame: FrameType) -> bool:
    code = frame.f_code
    if code.co_flags & _ASYNC:
        return True
    # Before Python 3.12, a comprehension has a frame of its own.
    return code.co_name in _COMPREHENSIONS and frame.f_back is not None and _is_async(frame.f_back)


def coloured(function: Callable[..., Any], *, name: str = "", is_noted: bool = True) -> Any:
    """Make of a plain or an async function one that takes the colour of its caller.

    Args:
        function: The function.
        name: What errors and the log call it; by default its qualified name.
        is_noted: Whether a request fails that makes the call and does not await it.
    """
    shown = name or function.__qualname__
    work = function if inspect.iscoroutinefunction(function) else asynchronous(function)

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        try:
            frame = sys._getframe(1)
        except ValueError:  # the first function of a greenlet or a thread
            return _finish(function, args, options)
        if _is_async(frame):
            calls = current_calls() if is_noted else None
            return Pending(shown, work, args, options, calls)
        started = perf_counter()
        try:
            return _finish(function, args, options)
        finally:
            note("wait", shown, frame, perf_counter() - started)

    return call


def _finish(function: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Call a function where it may wait, and return its result."""
    result = function(*args, **options) if in_bridge() else run(function, *args, **options)
    return wait(result) if isinstance(result, Coroutine) else result


def coloured_property(awaited: Any, *, name: str = "") -> Any:
    """Make a property that takes the colour of its caller of one that is awaited."""
    return property(coloured(awaited.fget, name=name))
