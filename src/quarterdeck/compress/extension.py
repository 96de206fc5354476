"""The extension: a hook that compresses bodies which are ready to be sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any

from quart import Quart, Response, current_app, request
from quart.wrappers.response import DataBody, FileBody

from quarterdeck.config import read

from .config import CONFIG, STATE, CompressState
from .gzip_body import gzip_body

#: Bytes from which a body is compressed in a thread: below, the way there takes longer.
IN_THREAD = 128 * 1024
#: The largest file that is compressed and kept, and how many files are.
MAX_FILE, KEPT_FILES = 4 * 1024 * 1024, 64
_FILE_LEVEL = 9  # a file is compressed once

View = Callable[..., Awaitable[Any]]


class Compress:
    """Answers compressed with gzip for clients that accept it.

    Bodies that are ready are compressed, and public files (``Cache-Control: public``, as static
    files have it), of which the compressed form is kept. Streams, ranges, answers with a
    ``Content-Encoding`` or ``no-transform``, and answers with a strong ``ETag``, which names
    their bytes, are left as they are.

    Args:
        app: Initialised at once if given.
    """

    def __init__(self, app: Quart | None = None) -> None:
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Quart) -> None:
        """Read the configuration, and add the hook.

        Call it before extensions whose hooks set headers of the answer: hooks run in reverse
        order, so this one runs after theirs.

        Raises:
            ConfigurationError: If a key has a value that cannot work.
            ExtensionAlreadyInitializedError: If the app has Compress already.
        """
        STATE.refuse_second(app)
        config = read(app, CONFIG)
        STATE.attach(
            app,
            CompressState(
                config["COMPRESS_LEVEL"],
                frozenset(config["COMPRESS_MIMETYPES"]),
                config["COMPRESS_MIN_SIZE"],
            ),
        )
        if config["COMPRESS_REGISTER"]:
            app.after_request(self.after_request)

    def compressed(self) -> Callable[[View], View]:
        """Compress the answers of one view, in an app with ``COMPRESS_REGISTER`` off."""

        def decorate(view: View) -> View:
            @wraps(view)
            async def compressing(*args: Any, **kwargs: Any) -> Response:
                result = await current_app.ensure_async(view)(*args, **kwargs)
                response: Any = await current_app.make_response(result)
                return await self.after_request(response)

            return compressing

        return decorate

    async def after_request(self, response: Response) -> Response:
        """Compress the body of an answer, if it can be and is worth it."""
        state = STATE.get()
        if response.mimetype not in state.mimetypes or not _may_change(response):
            return response
        body = response.response
        if isinstance(body, DataBody):
            if len(body.data) >= state.min_size and not _has_strong_etag(response):
                await _compress_data(response, body.data, state.level)
        elif (
            isinstance(body, FileBody)
            and response.cache_control.public
            and state.min_size <= body.size <= MAX_FILE
        ):
            await _compress_file(response, body.file_path)
        return response


async def _compress_data(response: Response, data: bytes, level: int) -> None:
    response.vary.add("Accept-Encoding")
    if not _is_accepted():
        return
    if len(data) < IN_THREAD:
        compressed = gzip_body(data, level)
    else:
        compressed = await asyncio.to_thread(gzip_body, data, level)
    if len(compressed) < len(data):
        response.set_data(compressed)
        response.content_encoding = "gzip"


async def _compress_file(response: Response, path: Path) -> None:
    response.vary.add("Accept-Encoding")
    if not _is_accepted():
        return
    compressed = await asyncio.to_thread(_compressed_file, path)
    response.set_data(compressed)
    response.content_encoding = "gzip"
    etag, is_weak = response.get_etag()
    if etag is not None:
        response.set_etag(f"{etag}-gzip", weak=bool(is_weak))
        await response.make_conditional(request)


def _compressed_file(path: Path) -> bytes:
    status = path.stat()
    return _read_compressed(path, status.st_mtime_ns, status.st_size)


@lru_cache(KEPT_FILES)
def _read_compressed(path: Path, _changed: int, _size: int) -> bytes:
    return gzip_body(path.read_bytes(), _FILE_LEVEL)


def _may_change(response: Response) -> bool:
    return (
        response.status_code not in {204, 206, 304}
        and "Content-Encoding" not in response.headers
        and "Content-Range" not in response.headers
        and not response.cache_control.no_transform
    )


def _has_strong_etag(response: Response) -> bool:
    etag, is_weak = response.get_etag()
    return etag is not None and not is_weak


def _is_accepted() -> bool:
    return request.accept_encodings.quality("gzip") > 0
