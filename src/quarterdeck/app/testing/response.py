"""The response that a test receives: its body can be read with ``await`` and without."""

from __future__ import annotations

from collections.abc import Generator
from functools import cache
from typing import Any, Self, cast

from quart.wrappers import Request, Response


class _Awaitable:
    """A value that is the result of awaiting it."""

    def __await__(self) -> Generator[Any, None, Self]:
        return self
        yield


class _Bytes(_Awaitable, bytes): ...


class _Text(_Awaitable, str): ...


class _Dict(_Awaitable, dict[Any, Any]): ...


class _List(_Awaitable, list[Any]): ...


class _Other:
    """A JSON value that no class can extend: null, true, false or a number."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __await__(self) -> Generator[Any, None, Any]:
        return self._value
        yield

    def __eq__(self, other: object) -> bool:
        return bool(self._value == other)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return f"<write 'await' in front of this: {self._value!r}>"


def awaitable(value: Any) -> Any:
    """Return a value that can be used at once, as in Flask, and awaited, as in Quart."""
    kinds: dict[Any, Any] = {bytes: _Bytes, str: _Text, dict: _Dict, list: _List}
    return kinds.get(type(value), _Other)(value)


class TestResponse(Response):
    """A response with its request, and with the redirects that led to it.

    Attributes:
        request: The request that it answers.
        history: The responses before it, if redirects were followed.
    """

    __test__ = False  # pytest must not collect it
    request: Request
    history: tuple[Response, ...] = ()

    def close(self) -> None:
        """Do nothing: the body is in memory. Flask's tests of files call it."""

    @property
    def _content(self) -> bytes:
        return bytes(cast(Any, self.response).data)

    @property
    def text(self) -> str:
        """The body as text."""
        return self._content.decode()

    @property
    def data(self) -> Any:
        """The body."""
        return awaitable(self._content)

    @data.setter
    def data(self, value: bytes) -> None:
        self.set_data(value)

    def get_data(self, as_text: bool = False) -> Any:
        """Return the body."""
        return awaitable(self.text if as_text else self._content)

    @property
    def json(self) -> Any:
        """The body read as JSON; None if it is of another type."""
        return self.get_json()

    def get_json(self, force: bool = False, silent: bool = False) -> Any:
        """Return the body read as JSON; None if it is of another type."""
        if not (force or self.is_json):
            return awaitable(None)
        try:
            return awaitable(self.json_module.loads(self._content))
        except ValueError:
            if silent:
                return awaitable(None)
            raise


@cache
def test_response_class(kind: Any) -> type[TestResponse]:
    """Return the class of responses of a test whose app makes responses of ``kind``."""
    return type(kind.__name__, (TestResponse, kind), {"__test__": False})
