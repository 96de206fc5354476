"""Calls that were never awaited: they do nothing, so they are an error.

Python itself only logs a warning, while the page says that the row was deleted.
"""

from __future__ import annotations

import asyncio
import dis
import functools
import inspect
import re
import sys
import warnings
from collections.abc import Callable, Coroutine, Generator
from pathlib import Path
from types import CodeType, CoroutineType, FrameType
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar

from quart import g, has_app_context

from quarterdeck.exceptions import NotAwaitedError

if TYPE_CHECKING:
    from quart import Quart, Response

P = ParamSpec("P")
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

_PACKAGE = str(Path(__file__).parent)
_TEXT = re.compile(r"<coroutine object ([\w.<>]+) at 0x[0-9a-fA-F]+>")
_CALLS = "_quarterdeck_unawaited"  # where 'g' holds those of a unit of work


class Unawaited:
    """The calls of one unit of work that wait for their ``await``."""

    def __init__(self) -> None:
        self._calls: dict[int, Call[Any]] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(self, call: Call[Any]) -> None:
        self._calls[id(call)] = call

    def begun(self, call: Call[Any]) -> None:
        self._calls.pop(id(call), None)

    def end(self, *, failed: bool) -> None:
        """Check at the end of a unit of work, unless another error has ended it.

        Raises:
            NotAwaitedError: If there is a call that was not awaited.
        """
        if failed:
            self.clear()
        else:
            self.check()

    def clear(self) -> None:
        """Forget all calls."""
        for call in self._calls.values():
            call.is_settled = True
        self._calls.clear()

    def check(self) -> None:
        """Raise for the first call that was not awaited, and forget them all.

        Raises:
            NotAwaitedError: If there is one.
        """
        if self._calls:
            first = next(iter(self._calls.values()))
            self.clear()
            raise first.error


class Call(Coroutine[Any, Any, T]):
    """A call that was made and not yet awaited; otherwise the same as a coroutine.

    It raises NotAwaitedError where it is used as if it were the result: an attribute, an item, a
    loop, its text, or its truth value, which is always true for a coroutine.

    Args:
        owner: What was called: "session" of ``session.delete``; empty for a function.
        work: The async function or method.
        arguments: Its arguments.
        options: Its keyword arguments.
        calls: Where to note the call.
    """

    __slots__ = ("_arguments", "_calls", "_coroutine", "_options", "_owner", "_place", "_work",
                 "is_settled")  # fmt: skip

    def __init__(
        self,
        owner: str,
        work: Callable[..., Coroutine[Any, Any, T]],
        arguments: tuple[Any, ...],
        options: dict[str, Any],
        calls: Unawaited | None = None,
    ) -> None:
        self._owner = owner
        self._work = work
        self._arguments = arguments
        self._options = options
        self._calls = calls
        self._place = _place_of_call()
        self._coroutine: Coroutine[Any, Any, T] | None = None
        self.is_settled = False
        if calls is not None:
            calls.add(self)

    @property
    def error(self) -> NotAwaitedError:
        """The error of this call, with the file and the line."""
        name = self._work.__name__.lstrip("_")
        code, line = self._place
        place = "" if code is None else f"at {code.co_filename}:{line}"
        return NotAwaitedError(f"{self._owner}.{name}" if self._owner else name, place)

    def _settle(self) -> None:
        self.is_settled = True
        if self._calls is not None:
            self._calls.begun(self)

    def _begun(self) -> Coroutine[Any, Any, T]:
        if self._coroutine is None:
            self._settle()
            self._coroutine = self._work(*self._arguments, **self._options)
        return self._coroutine

    def __await__(self) -> Generator[Any, Any, T]:
        return self._begun().__await__()

    def send(self, value: Any) -> Any:
        return self._begun().send(value)

    def throw(self, *error: Any) -> Any:
        return self._begun().throw(*error)

    def close(self) -> None:
        self._settle()
        if self._coroutine is not None:
            self._coroutine.close()

    def _refuse(self, *_arguments: object) -> NoReturn:
        self.close()
        raise self.error

    __bool__ = __iter__ = __getitem__ = __len__ = __str__ = __format__ = _refuse

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("_", "cr_", "gi_", "ag_")):  # asyncio asks for those of a coroutine
            raise AttributeError(name)
        self._refuse()

    def __del__(self) -> None:
        if not self.is_settled:
            warnings.warn(str(self.error), RuntimeWarning, source=self, stacklevel=1)


def error_of(
    value: object, function: object = None, place: str = "", *, in_template: bool = False
) -> NotAwaitedError | None:
    """Return the error of a call that stands where its result belongs; None for other values.

    Args:
        value: A coroutine, also one of Quart such as ``render_template(...)``, or a ``Call``.
        function: The function that has probably made the call, to find the line.
        place: Named in the error if the line is not known.
        in_template: Whether a template shows the value. Jinja's traceback has the line.
    """
    if isinstance(value, Call):
        value.close()
        return value.error
    if not isinstance(value, CoroutineType):
        return None
    name, origin = value.__name__, value.cr_origin or ()  # empty without asyncio's debug mode
    value.close()
    if in_template:
        remedy = "Await it in the view, and pass the result to the template."
        return NotAwaitedError(value.__qualname__, remedy=remedy)
    outside = (f"at {file}:{line}" for file, line, _ in origin if not file.startswith(_PACKAGE))
    place = next(outside, "") or _place_in(function, name) or place
    return NotAwaitedError(value.__qualname__, place)


def refuse_text_of_coroutine(text: str, place: str) -> None:
    """Raise NotAwaitedError if a text shows a coroutine where its result belongs."""
    if (found := _TEXT.search(text)) is not None:
        raise NotAwaitedError(found[1], place)


def _place_in(function: object, name: str) -> str:
    """Return the line on which a function uses a name; empty if there is none or more than one."""
    code = getattr(inspect.unwrap(function) if callable(function) else None, "__code__", None)
    if code is None:
        return ""
    lines = {
        instruction.positions.lineno
        for instruction in dis.get_instructions(code)
        if instruction.argval == name and instruction.positions is not None
    }
    return f"at {code.co_filename}:{lines.pop()}" if len(lines) == 1 else ""


def awaited(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Let an async method of a session, or of something with a ``session``, note its calls."""

    @functools.wraps(method)
    def start(*args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]:
        target: Any = args[0]
        calls: Unawaited | None = getattr(target, "unawaited", None)
        if calls is None:  # a session of SQLAlchemy's own class
            return method(*args, **kwargs)
        return Call(target.called, method, args, kwargs, calls)

    return _as_async(start)


def current_calls() -> Unawaited | None:
    """Return the calls of the current context that wait for their ``await``; None outside one."""
    if not has_app_context():
        return None
    calls: Unawaited = g.setdefault(_CALLS, Unawaited())
    return calls


def noted(
    owner: str,
) -> Callable[[Callable[P, Coroutine[Any, Any, T]]], Callable[P, Coroutine[Any, Any, T]]]:
    """Let an async method note its calls, which must be awaited before the request ends.

    The app needs ``check_at_the_end``. Outside of an app context a call is a plain coroutine.

    Args:
        owner: The object in the error, such as ``mail``.
    """

    def decorate(
        method: Callable[P, Coroutine[Any, Any, T]],
    ) -> Callable[P, Coroutine[Any, Any, T]]:
        @functools.wraps(method)
        def start(*args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]:
            calls = current_calls()
            if calls is None:
                return method(*args, **kwargs)
            return Call(owner, method, args, kwargs, calls)

        return _as_async(start)

    return decorate


def _as_async(function: F) -> F:
    """Mark a function that returns a ``Call``, so that nobody runs it in a thread."""
    if sys.version_info >= (3, 12):
        inspect.markcoroutinefunction(function)
    else:
        function._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]  # the mark that asyncio looks for
    return function


def check_at_the_end(app: Quart) -> None:
    """Raise NotAwaitedError at the end of requests and app contexts with calls of ``noted``."""
    if _check_context not in app.teardown_appcontext_funcs:  # another room has asked for it
        app.after_request(_check_response)
        app.teardown_appcontext(_check_context)


async def _check_response(response: Response) -> Response:
    calls: Unawaited | None = g.get(_CALLS)
    if calls is not None:
        if calls:
            await asyncio.sleep(0)  # a task that was made of a call begins it
        calls.end(failed=response.status_code >= 500)
    return response


async def _check_context(error: BaseException | None = None) -> None:
    calls: Unawaited | None = g.pop(_CALLS, None)
    if calls is not None:
        if calls:
            await asyncio.sleep(0)
        calls.end(failed=error is not None)


def _place_of_call() -> tuple[CodeType | None, int]:
    """Return the code outside of the kit, and its line."""
    frame: FrameType | None = inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "")[:12] == "quarterdeck.":
        frame = frame.f_back
    return (None, 0) if frame is None else (frame.f_code, frame.f_lineno)
