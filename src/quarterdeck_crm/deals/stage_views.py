"""The page on which administrators edit the pipeline."""

from __future__ import annotations

from functools import partial

from quart import flash, redirect, render_template, url_for
from quart.typing import ResponseReturnValue

from quarterdeck.babel import gettext as _
from quarterdeck.login import current_user, role_required
from quarterdeck_crm.errors import ConflictError
from quarterdeck_crm.extensions import csrf, db
from quarterdeck_crm.forms.errors import errors_on, is_valid

from . import bp
from .forms import PipelineForm
from .stages import (
    PIPELINE_EDITOR,
    check_pipeline,
    list_reasons,
    list_stages,
    make_usual_stages,
    save_pipeline,
    state_of,
)

BLANK_STAGES = 2


@bp.get("/stages")
@role_required(PIPELINE_EDITOR)
async def stages() -> str:
    found, reasons = await list_stages(db.session), await list_reasons(db.session)
    present = [
        {name: getattr(stage, name) for name in ("id", "name", "probability")}
        | {"kind": stage.kind.value}
        for stage in found
    ]
    shown = {"stages": present, "reasons": "\n".join(reasons), "seen": state_of(found, reasons)}
    return await _page(PipelineForm(data=shown))


@bp.post("/stages")
@role_required(PIPELINE_EDITOR)
@csrf.redisplay
async def stages_submit() -> ResponseReturnValue:
    form = await PipelineForm.from_request()
    if await is_valid(form, partial(check_pipeline, form.entries(), form.reason_list())):
        try:
            with errors_on(form):
                async with db.transaction() as session:
                    await save_pipeline(
                        session,
                        actor=current_user,
                        stages=form.entries(),
                        reasons=form.reason_list(),
                        seen=form.seen.data or None,
                    )
                await flash(_("The pipeline is saved."), "success")
                return redirect(url_for(".stages"), 303)
        except ConflictError as error:
            form.add_errors({"": [str(error)]})
            return await _page(form), 409
    return await _page(form), 422


@bp.post("/stages/usual")
@role_required(PIPELINE_EDITOR)
async def usual_stages() -> ResponseReturnValue:
    """Add the stages of a new installation, if there are none."""
    async with db.transaction() as session:
        await make_usual_stages(session)
    await flash(_("The stages are added. Change them as you like."), "success")
    return redirect(url_for(".stages"), 303)


async def _page(form: PipelineForm) -> str:
    if not form.errors:
        for _ in range(BLANK_STAGES):
            form.stages.append_entry()
    return await render_template(
        "deals/stages.html", form=form, is_empty=not await list_stages(db.session)
    )
