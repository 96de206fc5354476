"""Remove stored files that no row of the database names.

They remain when a process ends between the writing of a file and the commit of its row, or
between the commit that removes a row and the removal of its file.
"""

from __future__ import annotations

import asyncio
import re
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from quarterdeck_crm.errors import ConflictError, NotFoundError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Attachment, Good

from .storage import attachment_folder, beside

BATCH = 500
_OUR_NAME = re.compile(r"[0-9a-f]{32}\.[a-z]+")  # as ``storage.keep`` chooses it


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the folder of attachments.

    Attributes:
        path: Where it is.
        size: In bytes.
        modified: When it was written, as a Unix time.
    """

    path: Path
    size: int
    modified: float


@dataclass(slots=True)
class Pruned:
    """The files that were removed, or would be.

    Attributes:
        files: How many.
        size: In bytes.
        young: How many files without a row are left, because their upload may be under way.
    """

    files: int = 0
    size: int = 0
    young: int = 0


async def prune(
    *,
    older_than: timedelta,
    dry_run: bool = False,
    force: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Pruned:
    """Remove the files that no row names; other files in the folder are left alone.

    The files are listed before the rows are read, so a row that is committed in between keeps
    its file.

    Args:
        older_than: Younger files are left, because their rows may not be committed yet.
        dry_run: Count only.
        force: Go on if no row names any file.
        progress: Called after each batch with the number of checked files and of all files.

    Raises:
        NotFoundError: If the folder is missing.
        ConflictError: If there are files and no row names any, unless ``force`` is set.
    """
    folder = attachment_folder()
    found = await asyncio.to_thread(_list, folder)
    if found and not force and not await _named(limit=1):
        raise ConflictError(
            f"The folder '{folder}' holds {len(found)} files, and the database names none of "
            "them. Check DATABASE_URL and CRM_ATTACHMENT_FOLDER. Add --force if they are right."
        )
    pruned = Pruned()
    latest = time.time() - older_than.total_seconds()
    for begin in range(0, len(found), BATCH):
        batch = found[begin : begin + BATCH]
        named = await _named([file.path.name for file in batch])
        orphans = [file for file in batch if file.path.name not in named]
        old = [file for file in orphans if file.modified < latest]
        if not dry_run:
            await asyncio.to_thread(_remove, old)
        pruned.files += len(old)
        pruned.size += sum(file.size for file in old)
        pruned.young += len(orphans) - len(old)
        progress(begin + len(batch), len(found))
    return pruned


async def _named(names: list[str] | None = None, *, limit: int | None = None) -> set[str]:
    """Return the names of stored files in the database, or those among ``names``."""
    found: set[str] = set()
    async with db.new_session() as session:
        for column in (Attachment.stored, Good.picture):
            chosen = select(column).where(column.is_not(None)).limit(limit)
            if names is not None:
                chosen = chosen.where(column.in_(names))
            found.update(name for name in await session.scalars(chosen) if name)
    return found


def _list(folder: Path) -> list[StoredFile]:
    if not folder.is_dir():
        raise NotFoundError(
            f"The folder '{folder}' does not exist. Check CRM_ATTACHMENT_FOLDER and "
            "CRM_INSTANCE; without any upload it is not there yet."
        )
    return list(_stored_files(folder))


def _stored_files(folder: Path) -> Iterator[StoredFile]:
    for path in folder.glob("[0-9a-f][0-9a-f]/*"):
        if not _OUR_NAME.fullmatch(path.name) or path.parent.name != path.name[:2]:
            continue
        try:
            status = path.lstat()
        except FileNotFoundError:  # removed in between
            continue
        if stat.S_ISREG(status.st_mode):
            yield StoredFile(path, status.st_size, status.st_mtime)


def _remove(files: list[StoredFile]) -> None:
    for file in files:
        for path in (file.path, beside(file.path)):
            path.unlink(missing_ok=True)
