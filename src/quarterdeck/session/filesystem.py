"""Sessions in files, for one machine.

A row is replaced by renaming a finished file over the old one, so readers see one or the
other. Writers of a folder take turns by a lock on a file in it, across processes.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import struct
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from .store import Entry, Row, SessionStore

if TYPE_CHECKING:
    from quart import Quart

_NEW = ".new-"  # what the name of an unfinished file begins with
ABANDONED = 3600  # seconds after which nobody finishes it

_HEAD = struct.Struct(">dH")  # expires, length of the owner; then owner and payload


class FilesystemStore(SessionStore):
    """A file per row, in 256 folders; the file's whole content is its version.

    Args:
        folder: Made if it is missing.
        mode: Permissions of the files.
    """

    name = "filesystem"
    errors = ()

    def __init__(self, folder: Path, *, mode: int) -> None:
        self._folder = folder
        self._mode = mode

    async def read(self, key: str) -> Row | None:
        content = await asyncio.to_thread(_content, self._path(key))
        return None if content is None else Row(_unpack(content)[2], content)

    async def create(self, key: str, entry: Entry) -> None:
        await asyncio.to_thread(self._write, self._path(key), _pack(entry))

    async def replace(self, key: str, entry: Entry, version: Any) -> bool:
        return await asyncio.to_thread(self._replace, self._path(key), _pack(entry), version)

    async def delete(self, key: str) -> bool:
        return await asyncio.to_thread(self._delete, self._path(key))

    async def find(self, owner: str) -> list[tuple[str, bytes]]:
        return await asyncio.to_thread(self._find, owner)

    async def existing(self, keys: Collection[str]) -> set[str]:
        return await asyncio.to_thread(self._existing, keys)

    async def clean_up(self) -> None:
        await asyncio.to_thread(self._clean_up)

    # --- in a worker thread -----------------------------------------------------------

    def _replace(self, path: Path, content: bytes, version: bytes) -> bool:
        with _locked(path.parent) as there:
            if not there or _content(path) != version:
                return False
            self._write(path, content)
            return True

    def _delete(self, path: Path) -> bool:
        with _locked(path.parent) as there:
            if not there:
                return False
            try:
                path.unlink()
            except FileNotFoundError:
                return False
            return True

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=_NEW, dir=path.parent)
        try:
            with open(handle, "wb") as file:
                os.fchmod(handle, self._mode)
                file.write(content)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise

    def _find(self, owner: str) -> list[tuple[str, bytes]]:
        rows = ((path, _unpack(content)) for path, content in self._files())
        return [
            (unquote(path.name), payload)
            for path, (_expires, whose, payload) in rows
            if whose == owner.encode()
        ]

    def _existing(self, keys: Collection[str]) -> set[str]:
        contents = ((key, _content(self._path(key))) for key in keys)
        now = time.time()
        return {key for key, content in contents if content and _unpack(content)[0] > now}

    def _clean_up(self) -> None:
        now = time.time()
        for path, content in self._files():
            if _unpack(content)[0] <= now:
                with _locked(path.parent):
                    if _content(path) == content:
                        path.unlink()
        for path in self._folder.glob(f"??/{_NEW}*"):
            with contextlib.suppress(FileNotFoundError):  # finished meanwhile
                if path.stat().st_mtime < now - ABANDONED:
                    path.unlink()

    def _files(self) -> Iterator[tuple[Path, bytes]]:
        for path in self._folder.glob("??/[!.]*"):
            if (content := _content(path)) is not None:
                yield path, content

    def _path(self, key: str) -> Path:
        return self._folder / key[-2:] / quote(key, safe="")


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Hold the lock of a folder; False if there is no such folder."""
    try:
        handle = os.open(folder / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
    except FileNotFoundError:
        yield False
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield True
    finally:
        os.close(handle)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _pack(entry: Entry) -> bytes:
    owner = (entry.owner or "").encode()
    return _HEAD.pack(entry.expires, len(owner)) + owner + entry.payload


def _unpack(content: bytes) -> tuple[float, bytes, bytes]:
    """Return expiry, owner and payload; of a damaged file, something that is no session."""
    if len(content) < _HEAD.size:
        return 0.0, b"", content
    expires, length = _HEAD.unpack_from(content)
    rest = content[_HEAD.size :]
    return expires, rest[:length], rest[length:]


def make_store(config: Mapping[str, Any], app: Quart) -> FilesystemStore:
    """Return the store that the configuration describes; no folder is made yet."""
    folder = config["SESSION_FILE_DIR"] or Path(app.instance_path) / "sessions"
    return FilesystemStore(Path(folder), mode=config["SESSION_FILE_MODE"])
