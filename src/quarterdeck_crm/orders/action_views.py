"""The copy of an order."""

from __future__ import annotations

from quart import flash, redirect, url_for
from quart.typing import ResponseReturnValue
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck.babel import ngettext
from quarterdeck.login import current_user, login_required
from quarterdeck.wtf import QuartForm
from quarterdeck_crm.errors import ValidationError
from quarterdeck_crm.forms.submission import Saved, SubmissionField, save_once

from . import bp as bp
from .actions import copy_order
from .services import get_order


class CopyForm(QuartForm):
    """The button that copies an order; pressed twice, it makes one copy."""

    submission = SubmissionField()


@bp.post("/<int:order_id>/copy")
@login_required
async def copy(order_id: int) -> ResponseReturnValue:
    """Place a draft like this order, and go on to its editor."""
    form = await CopyForm.from_request()

    async def work(session: AsyncSession) -> Saved:
        order = await get_order(session, order_id=order_id)
        copied, lacking = await copy_order(session, actor=current_user, order=order)
        message = _(
            "Order %(copy)s is a draft with the lines of order %(number)s.",
            copy=copied.number,
            number=order.number,
        )
        if lacking:
            left_out = ngettext(
                "%(num)s line is left out, because its good is archived.",
                "%(num)s lines are left out, because their goods are archived.",
                lacking,
            )
            message = f"{message} {left_out}"
        return Saved(url_for(".edit", order_id=copied.id), message)

    if not await form.validate_on_submit():
        raise ValidationError({"submission": [_("Reload the page and try again.")]})
    saved = await save_once(form.submission, work)
    await flash(saved.message, "success")
    return redirect(saved.location, 303)
