"""The work behind the pages: checks and imports that outlive the request that asked for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress

from quart import current_app

from quarterdeck.babel import force_locale
from quarterdeck_crm.audit.recording import record_audit
from quarterdeck_crm.errors import DomainError, ImportRefusedError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.languages import ENGLISH
from quarterdeck_crm.languages import marked as N_
from quarterdeck_crm.models import AuditAction

from .kinds import KINDS, run_import
from .texts import Text
from .uploads import Phase, Upload, drop_files, interrupted, save

BEAT_SECONDS = 0.5
FAILURE = N_(
    "Something went wrong on our side, and it has been logged. Upload the files again: rows that "
    "are there already are not written twice, and the rest is added."
)


def start_check(upload: Upload) -> None:
    """Try the import of an upload in the background; nothing of it stays."""
    current_app.add_background_task(_work, upload, Phase.CHECKED)


async def start_import(upload: Upload) -> None:
    """Import an upload in the background, after it was claimed."""
    async with db.transaction() as session:
        await record_audit(session, AuditAction.IMPORTED, subject=upload.kind)
    ignored = upload.report.unknown_columns if upload.report else None  # as the user saw them
    upload.phase, upload.report, upload.done = Phase.IMPORTING, None, 0
    await save(upload)
    current_app.add_background_task(_work, upload, Phase.DONE, ignored)


async def _work(upload: Upload, goal: Phase, ignored: Collection[str] | None = None) -> None:
    """Check or import an upload, and save its new phase or its failure."""
    phase = upload.phase
    try:
        # Reports are stored in English, and translated for each reader.
        async with _told(upload):
            with force_locale(ENGLISH):
                upload.report = await run_import(
                    KINDS[upload.kind],
                    upload.sources(),
                    actor_id=upload.actor_id,
                    dry_run=goal is Phase.CHECKED,
                    ignored=ignored,
                    progress=lambda done, total: _note(upload, done, total),
                )
        upload.phase = goal
    except ImportRefusedError as refused:
        upload.phase, upload.mistakes = Phase.REFUSED, refused.mistakes
    except DomainError as error:
        upload.phase, upload.failure = Phase.FAILED, Text(str(error))
    except asyncio.CancelledError:
        upload.phase, upload.failure = Phase.FAILED, interrupted(phase)
        raise
    except Exception:
        current_app.logger.exception("The import %s failed", upload.id)
        upload.phase = Phase.FAILED
        upload.failure = Text(FAILURE)
    finally:
        if upload.phase is not Phase.CHECKED:
            await drop_files(upload)
        await save(upload)


def _note(upload: Upload, done: int, total: int) -> None:
    upload.done, upload.total = done, total


@asynccontextmanager
async def _told(upload: Upload) -> AsyncIterator[None]:
    """Write the progress down twice a second, also as a sign of life."""
    ended = asyncio.Event()

    async def beat() -> None:
        while not ended.is_set():
            with suppress(OSError):  # the import is worth more than the news of it
                await save(upload)
            try:
                await asyncio.wait_for(ended.wait(), BEAT_SECONDS)
            except TimeoutError:
                continue

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        ended.set()
        await beating
