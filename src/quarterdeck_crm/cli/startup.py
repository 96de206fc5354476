"""The checks of ``crm serve`` before it serves."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from quart import Quart

from quarterdeck_crm.config import folder_error, written_name
from quarterdeck_crm.extensions import db, hub
from quarterdeck_crm.schema import check_schema


async def check_before_serving(app: Quart) -> None:
    """Raise an error if the CRM cannot serve.

    Its folders must be writable, its tables those of this version, and Redis must answer.
    """
    await asyncio.to_thread(_check_folders, app)
    async with app.app_context():
        try:
            await check_schema()
            await hub.check()
        finally:
            await db.dispose()  # the server opens connections of its own


def _check_folders(app: Quart) -> None:
    folders = {"CRM_INSTANCE": app.instance_path}
    for key in ("ATTACHMENT_FOLDER", "IMPORT_FOLDER"):
        if app.config[key]:
            folders[written_name(app, key)] = app.config[key]
    for name, folder in folders.items():
        try:
            Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError as error:
            raise folder_error(name, Path(folder), error) from error
