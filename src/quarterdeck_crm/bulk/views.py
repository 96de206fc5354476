"""The button that undoes a change."""

from __future__ import annotations

from functools import partial

from quart import flash
from quart.typing import ResponseReturnValue

from quarterdeck.babel import gettext as _
from quarterdeck.login import current_user, login_required, redirect_next
from quarterdeck_crm.errors import ConflictError, ForbiddenError, NotFoundError
from quarterdeck_crm.extensions import db

from . import bp as bp
from .undoing import undo_step


@bp.post("/undo/<key>")
@login_required
async def undo(key: str) -> ResponseReturnValue:
    """Undo a change of the current user, then go to ``next``."""
    try:
        await db.run(partial(undo_step, actor=current_user, key=key[:64]))
    except (ConflictError, ForbiddenError, NotFoundError) as error:
        # The page that follows is the one with the record, so the reason belongs there.
        await flash(str(error), "error")
    else:
        await flash(_("Undone."), "success")
    return redirect_next("/", 303)
