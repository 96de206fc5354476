"""The upload form, and what pages do with it."""

from __future__ import annotations

from quart import current_app

from quarterdeck.login import current_user
from quarterdeck.wtf import QuartForm
from quarterdeck.wtf.file import FileField, FileRequired
from quarterdeck_crm.extensions import db
from quarterdeck_crm.forms import errors_on
from quarterdeck_crm.models import Account, Order

from .kinds import ATTACHABLE
from .services import add_attachment
from .storage import keep


class FileForm(QuartForm):
    file = FileField("File", [FileRequired("Choose a file.")])


async def attach(form: FileForm, subject: Account | Order) -> bool:
    """Attach what was uploaded to an account or an order; False if the form is refused."""
    if not await form.validate_on_submit():
        return False
    limit = current_app.config["ATTACHMENT_MAX_BYTES"]
    with errors_on(form):
        async with (
            keep(form.file.data, kinds=ATTACHABLE, limit=limit) as file,
            db.transaction() as session,
        ):
            await add_attachment(session, actor=current_user, subject=subject, file=file)
        return True
    return False
