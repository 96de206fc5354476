"""The page that hands the records of a user over to a colleague, and may disable the user."""

from __future__ import annotations

from functools import partial

from quart import flash, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from quarterdeck.babel import gettext as _
from quarterdeck.login import current_user, role_required
from quarterdeck_crm.errors import ConflictError, ValidationError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Role
from quarterdeck_crm.search.filters import list_active_users
from quarterdeck_crm.team.services import get_user
from quarterdeck_crm.validation.numbers import row_id

from . import bp as bp
from .hand_over import start_hand_over
from .owned import count_owned
from .views import work_and_show


@bp.get("/team/<int:user_id>/hand-over")
@role_required(Role.ADMIN)
async def hand_over(user_id: int) -> str:
    return await _page(user_id)


@bp.post("/team/<int:user_id>/hand-over")
@role_required(Role.ADMIN)
async def hand_over_submit(user_id: int) -> ResponseReturnValue:
    """Give the open records to a colleague; a form with ``disables`` disables the user too."""
    form = await request.form
    work = partial(
        start_hand_over,
        actor=current_user,
        user_id=user_id,
        to_id=row_id(form.get("to", "")),
        disables="disables" in form,
    )
    try:
        run, is_new = await db.run(work)
    except ValidationError as error:
        return await _page(user_id, problem=str(error)), 422
    except ConflictError as error:
        return await _page(user_id, problem=str(error)), 409
    back = url_for("team.show", user_id=user_id)
    if not run.ids:
        await flash(_("There are no open records to hand over."), "success")
        return redirect(back, 303)
    if is_new:
        return await work_and_show(run, back)
    return redirect(url_for(".show", key=run.key, next=back), 303)


async def _page(user_id: int, problem: str | None = None) -> str:
    user = await get_user(db.session, user_id)
    return await render_template(
        "bulk/hand_over.html",
        user=user,
        counts=await count_owned(db.session, user_id=user.id),
        colleagues=[(id_, n) for id_, n in await list_active_users(db.session) if id_ != user.id],
        problem=problem,
    )
