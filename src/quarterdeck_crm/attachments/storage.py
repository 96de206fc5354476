"""Uploaded files on disk, under names of our own.

Nothing that a visitor sends becomes part of a path: a file is kept under a random name in a
folder of this installation, which no web server serves by itself.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO

from quart import current_app
from werkzeug.datastructures import FileStorage

from quarterdeck.babel import gettext as _
from quarterdeck_crm.errors import ValidationError

from .kinds import PIECE, contents_fit, extension_of

LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that is on disk.

    Attributes:
        name: The sender's name for it, without any folders.
        stored: Our name for it.
        media_type: From our own table.
        size: In bytes.
    """

    name: str
    stored: str
    media_type: str
    size: int


@asynccontextmanager
async def keep(upload: FileStorage, *, kinds: dict[str, str], limit: int) -> AsyncIterator[Kept]:
    """Write an upload to disk for the time after the block; remove it if the block fails.

    The contents go from the request's own temporary file to their place piece by piece, in a
    thread: neither memory nor the event loop holds a whole file.

    Args:
        upload: As the form has it.
        kinds: Media types by the extensions that are taken.
        limit: The largest size in bytes.

    Raises:
        ValidationError: Under ``file``, if the file is not taken.
    """
    name = bare_name(upload.filename or "")
    extension = extension_of(name)
    if extension not in kinds:
        raise _refusal(
            _("Choose a file of one of these types: %(kinds)s.", kinds=", ".join(sorted(kinds)))
        )
    stored = secrets.token_hex(16) + extension
    try:
        size = await asyncio.to_thread(_write, upload.stream, stored_path(stored), limit)
        yield Kept(name, stored, kinds[extension], size)
    except BaseException:
        await discard(stored)
        raise


async def discard(stored: str) -> None:
    """Remove a file and its small picture; it is no error if they are gone already."""
    for path in (stored_path(stored), thumbnail_path(stored)):
        await asyncio.to_thread(path.unlink, missing_ok=True)


def stored_path(stored: str) -> Path:
    """Return where a file is kept: spread over folders, so that none grows too large."""
    return attachment_folder() / stored[:2] / stored


def thumbnail_path(stored: str) -> Path:
    """Return where the small picture of a stored picture is kept, beside it."""
    return beside(stored_path(stored))


def beside(path: Path) -> Path:
    """Return the path of the small picture of a picture."""
    return path.with_name(f"{path.stem}.thumb.webp")


def attachment_folder() -> Path:
    """Return the folder of all stored files; the first upload creates it."""
    chosen = current_app.config["ATTACHMENT_FOLDER"]
    return Path(chosen) if chosen else Path(current_app.instance_path) / "attachments"


def _write(source: IO[bytes], path: Path, limit: int) -> int:
    if not contents_fit(source, path.suffix):
        raise _refusal(
            _("The contents of this file do not fit its name (%(suffix)s).", suffix=path.suffix)
        )
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return copy_limited(source, path, limit)


def copy_limited(source: IO[bytes], path: Path, limit: int) -> int:
    """Copy an upload to a new file piece by piece and return its size; blocks.

    Raises:
        ValidationError: Under ``file``, if it is empty or has more than ``limit`` bytes.
    """
    source.seek(0)
    size = 0
    with path.open("xb") as target:
        while piece := source.read(PIECE):
            size += len(piece)
            if size > limit:
                raise _refusal(
                    _("The file is larger than %(limit)s KB.", limit=f"{limit // 1024:,}")
                )
            target.write(piece)
    if size == 0:
        raise _refusal(_("The file is empty."))
    return size


def bare_name(name: str) -> str:
    """Return a file name without folders and control characters, not too long."""
    name = "".join(c for c in name.replace("\\", "/").rpartition("/")[2] if c.isprintable())
    path = PurePath(name.strip())
    return path.stem[: LONGEST_NAME - len(path.suffix)] + path.suffix[:LONGEST_NAME]


def _refusal(problem: str) -> ValidationError:
    return ValidationError({"file": [problem]})
