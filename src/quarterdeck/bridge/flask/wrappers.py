"""Requests, responses and files whose parts take the colour of the code that reads them."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from io import BytesIO
from typing import Any, cast

from quart.wrappers.response import IterableBody as QuartIterableBody

from quarterdeck.app import Request as KitRequest
from quarterdeck.app import Response as KitResponse
from quarterdeck.app.files import FileStorage as KitFileStorage
from quarterdeck.bridge.colours import coloured, coloured_property
from quarterdeck.bridge.waiting import asynchronous, wait

from .environ import make_environ

__all__ = ["BothWays", "FileStorage", "Request", "Response"]

_END: Any = object()


class FileStorage(KitFileStorage):
    """A file that a form brought."""

    save = coloured(KitFileStorage.save, name="file.save")


class BothWays:
    """An iterator for ``for`` and for ``async for``.

    Args:
        pieces: A plain or an async iterable. A plain one runs where it may wait.
    """

    def __init__(self, pieces: AsyncIterable[Any] | Iterable[Any]) -> None:
        self._plain = iter(pieces) if isinstance(pieces, Iterable) else None
        self._async = None if isinstance(pieces, Iterable) else aiter(pieces)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self._plain is not None:
            return next(self._plain)
        try:
            return wait(anext(cast("AsyncIterator[Any]", self._async)))
        except StopAsyncIteration:
            raise StopIteration from None

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        if self._async is not None:
            return await anext(self._async)
        piece = await asynchronous(next)(self._plain, _END)
        if piece is _END:
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        """End the iterator before its end."""
        if self._plain is not None and hasattr(self._plain, "close"):
            await asynchronous(self._plain.close)()
        if self._async is not None and hasattr(self._async, "aclose"):
            await self._async.aclose()


class IterableBody(QuartIterableBody):
    """The pieces of a body; a plain generator runs on the event loop, where it may wait."""

    def __init__(self, iterable: AsyncIterable[Any] | Iterable[Any]) -> None:
        self.iter = BothWays(iterable)


class Request(KitRequest):
    """A request."""

    form = coloured_property(KitRequest.form, name="request.form")
    files = coloured_property(KitRequest.files, name="request.files")
    values = coloured_property(KitRequest.values, name="request.values")
    data = coloured_property(KitRequest.data, name="request.data")
    json = coloured_property(KitRequest.json, name="request.json")
    get_data = coloured(KitRequest.get_data, name="request.get_data")
    get_json = coloured(KitRequest.get_json, name="request.get_json")

    async def _load_form_data(self) -> None:
        await super()._load_form_data()
        for file in (self._files or {}).values():
            if type(file) is KitFileStorage:
                file.__class__ = FileStorage

    @property
    def stream(self) -> BytesIO:  # type: ignore[override]  # Quart has none
        """The body as an open file; it is read whole before."""
        return BytesIO(wait(self.body))

    @property
    def environ(self) -> dict[str, Any]:
        """What a WSGI server would have said of the request; changes have no effect."""
        return make_environ(self.scope, self)


class Response(KitResponse):
    """A response."""

    iterable_body_class = IterableBody

    get_data = coloured(KitResponse.get_data, name="response.get_data")
    get_json = coloured(KitResponse.get_json, name="response.get_json")
    make_conditional = coloured(KitResponse.make_conditional, name="response.make_conditional")
    json = coloured_property(KitResponse.json, name="response.json")

    data = coloured_property(KitResponse.data, name="response.data").setter(KitResponse.set_data)

    @property
    def is_streamed(self) -> bool:
        """Whether the body is made while it is sent."""
        return isinstance(self.response, IterableBody)
