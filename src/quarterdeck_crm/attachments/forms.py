"""The upload form, and its use by pages."""

from __future__ import annotations

from quart import current_app
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck.login import current_user
from quarterdeck.wtf import QuartForm
from quarterdeck.wtf.file import FileField, FileRequired
from quarterdeck_crm.forms.errors import errors_on
from quarterdeck_crm.forms.submission import Saved, SubmissionField, save_once
from quarterdeck_crm.languages import lazy as _l

from .kinds import ATTACHABLE
from .quotas import lock_quotas
from .services import add_attachment
from .storage import discard, keep
from .subjects import Subject


class FileForm(QuartForm):
    submission = SubmissionField()
    file = FileField(_l("File"), [FileRequired(_l("Choose a file."))])


async def attach(form: FileForm, subject: Subject, *, location: str) -> Saved | None:
    """Attach an upload to a record, once; return None if the form is refused.

    Args:
        form: As submitted.
        subject: The row that the file belongs to.
        location: The page to go on to.
    """
    if not await form.validate_on_submit():
        return None
    limit = current_app.config["ATTACHMENT_MAX_BYTES"]
    with errors_on(form):
        async with keep(form.file.data, kinds=ATTACHABLE, limit=limit) as file:

            async def work(session: AsyncSession) -> Saved:
                await add_attachment(session, actor=current_user, subject=subject, file=file)
                return Saved(location, _("The file is attached."))

            async def lock(session: AsyncSession) -> None:
                await lock_quotas(session, actor=current_user, subject=subject)

            saved = await save_once(form.submission, work, first=lock)
        if saved.is_repeated:
            await discard(file.stored)
        return saved
    return None
