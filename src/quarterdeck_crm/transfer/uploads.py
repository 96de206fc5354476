"""Files that wait for their import, each upload in a folder of its own with its state.

The state is a file and not a row: it changes twice a second while the work goes on, and must be
readable also when the database fails. Any process may read it.
"""

from __future__ import annotations

import asyncio
import enum
import re
import secrets
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO

import msgspec
from quart import current_app
from werkzeug.datastructures import FileStorage

from quarterdeck.babel import gettext as _
from quarterdeck_crm.attachments.storage import bare_name, copy_limited
from quarterdeck_crm.errors import ConflictError, NotFoundError
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.languages import marked as N_
from quarterdeck_crm.models import Role, User
from quarterdeck_crm.models.columns import utc_now

from .csvfile import Mistakes
from .importing import Report, Source
from .kinds import Kind
from .texts import Text
from .turns import upload_folder

SILENCE_SECONDS = 15.0  # a process that writes no progress for so long is dead
KEPT_SECONDS = 24 * 3600.0

GONE = _l("There is no such import. Files are kept for a day; upload them again.")

_STATE = "state.json"
_CLAIM = "claimed"
_ID = re.compile(r"[0-9a-f]{32}")


class Phase(enum.StrEnum):
    """How far an upload has come."""

    CHECKING = "checking"
    CHECKED = "checked"
    REFUSED = "refused"
    IMPORTING = "importing"
    DONE = "done"
    FAILED = "failed"

    @property
    def is_running(self) -> bool:
        return self in {Phase.CHECKING, Phase.IMPORTING}


@dataclass
class Upload:
    """Files of one kind, tried first and then imported.

    Attributes:
        done: Bytes read so far, of ``total``.
        report: The result, or the expected result after a check; None until it is known.
        mistakes: The mistakes that made it refused.
        failure: The reason of a failure.
    """

    id: str
    kind: str
    names: list[str]
    actor_id: int
    actor_name: str
    created_at: datetime = field(default_factory=utc_now)
    phase: Phase = Phase.CHECKING
    done: int = 0
    total: int = 0
    report: Report | None = None
    mistakes: Mistakes | None = None
    failure: Text | None = None

    @property
    def percent(self) -> int | None:
        """How much is done; None as long as that is unknown."""
        return self.done * 100 // self.total if self.total else None

    def sources(self) -> list[Source]:
        """Return the files, under the names that their owner knows."""
        folder = upload_folder() / self.id
        return [Source(folder / str(number), name) for number, name in enumerate(self.names)]


async def receive(kind: Kind, files: Sequence[FileStorage], *, actor: User) -> Upload:
    """Write uploaded files to disk and return the upload. The caller starts its check.

    Raises:
        ValidationError: Under ``file``, if one is empty or too large.
    """
    names = [bare_name(file.filename or "") or "file" for file in files]
    upload = Upload(secrets.token_hex(16), kind.name, names, actor.id, actor.name)
    limit = current_app.config["IMPORT_MAX_BYTES"]
    streams = [file.stream for file in files]
    await sweep()
    try:
        await asyncio.to_thread(_write, upload, upload.sources(), streams, limit)
    except BaseException:
        await discard(upload)
        raise
    return upload


async def sweep() -> int:
    """Remove uploads that are older than a day, and return how many there were."""
    return await asyncio.to_thread(_sweep, upload_folder())


async def get_upload(upload_id: str, *, actor: User) -> Upload:
    """Return an upload of this user, or of anybody for an administrator.

    Raises:
        NotFoundError: If there is none.
    """
    if _ID.fullmatch(upload_id):
        upload = await asyncio.to_thread(_read, upload_folder() / upload_id)
        if upload and _may_see(actor, upload):
            return upload
    raise NotFoundError(GONE)


async def list_uploads(*, actor: User) -> list[Upload]:
    """Return the uploads of this user, or all for an administrator, newest first."""
    found = await asyncio.to_thread(_read_all, upload_folder())
    seen = [upload for upload in found if _may_see(actor, upload)]
    return sorted(seen, key=lambda upload: upload.created_at, reverse=True)


async def claim(upload: Upload) -> None:
    """Take the right to import an upload, which exactly one request gets.

    Raises:
        ConflictError: If it was taken already, or the upload is not ready.
    """
    if upload.phase is not Phase.CHECKED:
        raise ConflictError(_("These files are not waiting for an import."))
    try:
        await asyncio.to_thread((upload_folder() / upload.id / _CLAIM).touch, exist_ok=False)
    except FileExistsError:
        raise ConflictError(_("This import has been started already.")) from None
    except FileNotFoundError:
        raise NotFoundError(GONE) from None


async def save(upload: Upload) -> None:
    """Write the state down for every process to read."""
    await asyncio.to_thread(_save, upload, upload_folder() / upload.id)


async def drop_files(upload: Upload) -> None:
    """Remove the uploaded files; the report about them stays for a day."""
    for source in upload.sources():
        await asyncio.to_thread(source.path.unlink, missing_ok=True)


async def discard(upload: Upload) -> None:
    """Remove the upload with all that is known of it."""
    await asyncio.to_thread(shutil.rmtree, upload_folder() / upload.id, ignore_errors=True)


def _may_see(actor: User, upload: Upload) -> bool:
    return upload.actor_id == actor.id or actor.has_role(Role.ADMIN)


def _write(
    upload: Upload, sources: Sequence[Source], streams: Sequence[IO[bytes]], limit: int
) -> None:
    folder = sources[0].path.parent
    folder.mkdir(mode=0o700, parents=True)
    for source, stream in zip(sources, streams, strict=True):
        copy_limited(stream, source.path, limit)
    _save(upload, folder)


def _save(upload: Upload, folder: Path) -> None:
    unfinished = folder / f"{_STATE}.part"
    unfinished.write_bytes(msgspec.json.encode(upload))
    unfinished.replace(folder / _STATE)


def _read(folder: Path) -> Upload | None:
    """Return an upload; it has failed if its process stopped writing progress."""
    path = folder / _STATE
    try:
        upload = msgspec.json.decode(path.read_bytes(), type=Upload)
        silent = time.time() - path.stat().st_mtime
    except (OSError, msgspec.DecodeError):
        return None
    if upload.phase.is_running and silent > SILENCE_SECONDS:
        upload.failure = interrupted(upload.phase)
        upload.phase = Phase.FAILED
    return upload


def interrupted(phase: Phase) -> Text:
    """Return the message about a server that stopped in a phase."""
    if phase is Phase.CHECKING:
        text = N_(
            "The server stopped during the check. Nothing was written. Upload the files again."
        )
        return Text(text)
    text = N_(
        "The server stopped during the import. Upload the files again: rows that are there "
        "already are not written twice, and the rest is added."
    )
    return Text(text)


def _read_all(root: Path) -> list[Upload]:
    folders = root.iterdir() if root.is_dir() else ()
    return [upload for folder in folders if (upload := _read(folder))]


def _sweep(root: Path) -> int:
    removed = 0
    for folder in root.iterdir() if root.is_dir() else ():
        state = folder / _STATE
        try:
            changed = (state if state.exists() else folder).stat().st_mtime
        except FileNotFoundError:
            continue  # another upload removed it
        if time.time() - changed > KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    return removed
