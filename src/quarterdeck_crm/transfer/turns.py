"""The folder of uploaded files, and the turns in which imports write."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from quart import current_app

POLL_SECONDS = 0.2


def upload_folder() -> Path:
    """Return the folder of uploaded files, which all processes share."""
    chosen = current_app.config["IMPORT_FOLDER"]
    return Path(chosen) if chosen else Path(current_app.instance_path) / "imports"


@asynccontextmanager
async def turn() -> AsyncIterator[None]:
    """Wait until no other import writes, and keep others waiting until the end of the block.

    No key makes a person or a contact unique: two imports of the same file at the same moment
    would each look for it, find none, and add it. The system releases the lock of a process that
    dies. Without the folder nothing was uploaded, and a command does not make it, because it may
    run as another user than the server.
    """
    folder = await asyncio.to_thread(_open, upload_folder())
    try:
        while folder is not None and not await asyncio.to_thread(_lock, folder):  # noqa: ASYNC110 - other processes set no event
            await asyncio.sleep(POLL_SECONDS)
        yield
    finally:
        if folder is not None:
            os.close(folder)


def _open(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY)
    except OSError:
        return None


def _lock(folder: int) -> bool:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
