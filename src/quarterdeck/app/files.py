"""Uploaded files, read and written without holding up the event loop."""

from __future__ import annotations

import asyncio
from os import PathLike
from typing import IO, Any, cast

import quart.datastructures
import werkzeug.datastructures


class FileStorage(quart.datastructures.FileStorage):
    """A file that a form brought; a large one is on disk already."""

    async def save(  # type: ignore[override]  # the base class of Quart's is not async
        self, destination: str | PathLike[str] | IO[bytes], buffer_size: int = 256 * 1024
    ) -> None:
        """Write the file to a path or an open file, in a thread."""
        write = werkzeug.datastructures.FileStorage.save
        await asyncio.to_thread(write, self, cast(Any, destination), buffer_size)
