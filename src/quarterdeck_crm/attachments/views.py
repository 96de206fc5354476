"""Files to take away, and to remove. They are added on the pages that they belong to."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from urllib.parse import quote

from quart import Response, flash, redirect, send_file
from quart.typing import ResponseReturnValue
from werkzeug.http import dump_options_header

from quarterdeck.babel import gettext as _
from quarterdeck.login import current_user, login_required
from quarterdeck_crm.errors import NotFoundError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.notifications.records import record_url

from . import bp as bp
from .services import get_attachment, remove_attachment, subject_of
from .storage import discard, stored_path
from .subjects import place_of


@bp.get("/<int:attachment_id>")
@login_required
async def show(attachment_id: int) -> Response:
    """Send a file to be saved, never to be shown inside the site."""
    attachment = await get_attachment(db.session, attachment_id=attachment_id)
    path = stored_path(attachment.stored)
    return await send(path, media_type=attachment.media_type, download_as=attachment.name)


@bp.post("/<int:attachment_id>/remove")
@login_required
async def remove(attachment_id: int) -> ResponseReturnValue:
    async with db.transaction() as session:
        attachment = await get_attachment(session, attachment_id=attachment_id)
        subject = await subject_of(session, attachment=attachment)
        await remove_attachment(session, actor=current_user, subject=subject, attachment=attachment)
    await discard(attachment.stored)
    await flash(_("The file is removed."), "success")
    return redirect(record_url(*place_of(attachment), _anchor="files"), 303)


async def send(
    path: Path, *, media_type: str, download_as: str | None = None, max_age: int = 0
) -> Response:
    """Send a stored file so that a browser runs nothing in it.

    Args:
        path: Where it is.
        media_type: From our own table, not from the sender.
        download_as: The name to save it under; without one it is shown as a picture.
        max_age: How many seconds the browser may keep it.

    Raises:
        NotFoundError: If it is gone from the disk.
    """
    try:
        response = await send_file(path, mimetype=media_type, cache_timeout=max_age)
    except FileNotFoundError:
        raise NotFoundError(_("This file is no longer kept. Ask an administrator.")) from None
    if download_as is not None:
        response.headers["Content-Disposition"] = _disposition(download_as)
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.cache_control.public = False
    response.cache_control.private = True
    return response


def _disposition(name: str) -> str:
    """Return the header that saves a file under a name in any script (RFC 6266)."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return dump_options_header(
        "attachment", {"filename": plain, "filename*": f"UTF-8''{quote(name, safe='')}"}
    )
