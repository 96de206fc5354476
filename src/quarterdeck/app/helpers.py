"""Flask's helpers for answers, with its arguments and Quart's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from datetime import UTC, datetime
from functools import wraps
from io import BytesIO
from os import PathLike, fspath
from pathlib import Path
from typing import Any, cast

from quart import current_app
from quart.helpers import send_file as quart_send_file
from quart.utils import run_sync_iterable
from quart.wrappers import Response as QuartResponse
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

from quarterdeck._quart import current_request_context

from .response import Response, disposition

FilePath = str | PathLike[str]


async def send_file(
    path_or_file: Any = None,
    mimetype: str | None = None,
    as_attachment: bool = False,
    download_name: str | None = None,
    conditional: bool = True,
    etag: bool | str = True,
    last_modified: datetime | float | None = None,
    max_age: int | Callable[[str | None], int | None] | None = None,
    *,
    filename_or_io: Any = None,
    attachment_filename: str | None = None,
    add_etags: bool | None = None,
    cache_timeout: int | None = None,
) -> QuartResponse:
    """Return the response that sends a file.

    Args:
        path_or_file: A path, relative to the root folder of the app; or an open binary file.
        mimetype: Its type; otherwise guessed from the name.
        as_attachment: Whether a browser saves it instead of showing it.
        download_name: Its name for the browser; otherwise that of the path.
        conditional: Whether it may be answered with 304 or 206.
        etag: Whether to make an entity tag, or the tag itself.
        last_modified: A time, or Unix seconds; otherwise that of the file.
        max_age: Seconds to keep it, or a function that returns them for a path.
        filename_or_io: ``path_or_file`` in Quart's spelling.
        attachment_filename: ``download_name`` in Quart's spelling.
        add_etags: ``etag`` in Quart's spelling.
        cache_timeout: ``max_age`` in Quart's spelling.

    Raises:
        FileNotFoundError: If there is no such file.
        TypeError: If no file is given, or an attachment has no name.
        ValueError: If the type cannot be guessed.
    """
    file = await _located(filename_or_io if path_or_file is None else path_or_file)
    path = file if isinstance(file, Path) else None
    name = attachment_filename if download_name is None else download_name
    if as_attachment and name is None and path is None:
        raise TypeError("An attachment needs 'download_name' if the file has no path.")
    etag = etag if add_etags is None else add_etags
    seconds = cache_timeout if max_age is None else max_age
    if callable(seconds):
        seconds = seconds(None if path is None else str(path))
    if isinstance(last_modified, int | float):
        last_modified = datetime.fromtimestamp(last_modified, UTC)
    response = await quart_send_file(
        file,
        mimetype=mimetype,
        attachment_filename=name,
        add_etags=etag is True and path is not None,
        cache_timeout=seconds,
        last_modified=last_modified,
    )
    if isinstance(etag, str):
        response.set_etag(etag)
    if as_attachment or name is not None:
        kind = "attachment" if as_attachment else "inline"
        response.headers["Content-Disposition"] = disposition(kind, name or cast(Path, path).name)
    if isinstance(response, Response):
        response.may_be_conditional = conditional  # the app does it, after all hooks
    elif conditional:
        request = current_request_context().request
        await response.make_conditional(
            request, accept_ranges=True, complete_length=response.content_length
        )
    return response


async def send_from_directory(
    directory: FilePath,
    path: FilePath | None = None,
    *,
    file_name: FilePath | None = None,
    **options: Any,
) -> QuartResponse:
    """Return the response that sends a file below a folder.

    Args:
        directory: The folder, relative to the root folder of the app.
        path: The path below it, which may come from the client.
        file_name: ``path`` in Quart's spelling.
        options: The other arguments of ``send_file``.

    Raises:
        NotFound: If there is no such file, or the path leads out of the folder.
    """
    below = file_name if path is None else path
    if below is None:
        raise TypeError("'send_from_directory' needs a path as its second argument.")
    folder = _below_root(directory)
    found = safe_join(str(folder), fspath(below))
    if found is None or not await asyncio.to_thread(Path(found).is_file):
        raise NotFound
    return await send_file(found, **options)


def _below_root(path: FilePath) -> Path:
    given = Path(path)
    return given if given.is_absolute() else Path(current_app.root_path, given)


async def _located(file: Any) -> Path | BytesIO:
    """Return a path below the root folder of the app, or a file in memory."""
    if file is None:
        raise TypeError("'send_file' needs a path or an open file as its first argument.")
    if isinstance(file, str | PathLike):
        return _below_root(file)
    if isinstance(file, BytesIO):
        return file
    content = await asyncio.to_thread(file.read)
    if isinstance(content, str):
        raise ValueError("The file is open as text. Open it with mode 'rb'.")
    return BytesIO(content)


def stream_with_context(generator_or_function: Any) -> Any:
    """Keep the request context for a generator that makes a response.

    Takes a plain or an async generator, or a function that returns one, also as a decorator.
    A plain generator runs in threads. ``g`` is new in the stream: the resources in the old one
    are closed when the stream begins.
    """
    if callable(generator_or_function):

        @wraps(generator_or_function)
        def make(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
            made = generator_or_function(*args, **kwargs)
            return _stream(made, current_request_context().copy())

        return make
    return _stream(generator_or_function, current_request_context().copy())


async def _stream(pieces: Any, context: Any) -> AsyncGenerator[Any, None]:
    is_async = isinstance(pieces, AsyncIterable)
    close = getattr(pieces, "aclose" if is_async else "close", None)
    async with context:
        try:
            async for piece in pieces if is_async else run_sync_iterable(iter(pieces)):
                yield piece
        finally:
            if close is not None:
                await (close() if is_async else asyncio.to_thread(close))
