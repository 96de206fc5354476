"""The pages of import and export."""

from __future__ import annotations

from collections.abc import AsyncIterator

from quart import Response, flash, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck.login import current_user, role_required
from quarterdeck_crm.audit.recording import record_audit
from quarterdeck_crm.errors import ConflictError, NotFoundError
from quarterdeck_crm.extensions import csrf, db
from quarterdeck_crm.forms.errors import errors_on
from quarterdeck_crm.lists.selection import Selection, select_records
from quarterdeck_crm.models import AuditAction
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.web.limits import limited_together

from . import bp as bp
from .background import start_check, start_import
from .forms import FORMS, ImportForm
from .kinds import IMPORTER, KINDS, PARTS, Kind, Part
from .uploads import Phase, Upload, claim, discard, get_upload, list_uploads, receive


@bp.get("/")
@role_required(IMPORTER)
async def index() -> str:
    return await render_template(
        "transfer/index.html",
        kinds=KINDS.values(),
        uploads=await list_uploads(actor=current_user),
    )


@bp.get("/<kind>")
@role_required(IMPORTER)
async def create(kind: str) -> str:
    return await _form_page(_kind(kind), FORMS[_kind(kind).name]())


@bp.post("/<kind>")
@role_required(IMPORTER)
@limited_together("LIMIT_IMPORTS")
@csrf.redisplay
async def create_submit(kind: str) -> ResponseReturnValue:
    """Take the files and try them; nothing is written before the user says so."""
    chosen = _kind(kind)
    form = await FORMS[chosen.name].from_request()
    if await form.validate_on_submit():
        with errors_on(form):
            upload = await receive(chosen, form.files(), actor=current_user)
            start_check(upload)
            return redirect(url_for(".show", upload_id=upload.id), 303)
    return await _form_page(chosen, form), 422


@bp.get("/imports/<upload_id>")
@role_required(IMPORTER)
async def show(upload_id: str) -> str:
    return await _upload_page(await get_upload(upload_id, actor=current_user))


@bp.post("/imports/<upload_id>/run")
@role_required(IMPORTER)
async def run(upload_id: str) -> ResponseReturnValue:
    upload = await get_upload(upload_id, actor=current_user)
    await claim(upload)
    await start_import(upload)
    return redirect(url_for(".show", upload_id=upload_id), 303)


@bp.post("/imports/<upload_id>/discard")
@role_required(IMPORTER)
async def discard_submit(upload_id: str) -> ResponseReturnValue:
    upload = await get_upload(upload_id, actor=current_user)
    if upload.phase.is_running:
        raise ConflictError(_("This import is under way. Wait for its end."))
    if upload.phase is Phase.CHECKED:
        await claim(upload)  # or an import could start while its files are removed
    await discard(upload)
    await flash(_("The files are removed."), "success")
    return redirect(url_for(".index"), 303)


@bp.get("/export/<name>.csv")
@role_required(IMPORTER)
@limited_together("LIMIT_EXPORTS")
async def export(name: str) -> Response:
    """Stream all rows, or with query arguments of its page those of a list, in its order.

    Memory holds a piece of them at a time.
    """
    part = PARTS.get(name)
    if part is None or (request.args and part.records is None):
        raise NotFoundError(_("There is no such export."))
    chosen = None
    if part.records is not None and request.args:
        args = request.args.to_dict()
        chosen = await select_records(db.session, part.records, args, actor=current_user)
    async with db.transaction() as session:
        detail = {"list": chosen.arguments} if chosen else None
        await record_audit(session, AuditAction.EXPORTED, subject=name, detail=detail)
    chunks = _stream(db.new_session(), part, chosen)
    response = Response(chunks, content_type="text/csv; charset=utf-8")
    response.timeout = None  # as long as the reader takes
    filename = "-".join([name, *([chosen.slug] if chosen else []), f"{utc_now():%Y-%m-%d}.csv"])
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Cache-Control"] = "private, no-store"
    return response


async def _stream(
    session: AsyncSession, part: Part, chosen: Selection | None
) -> AsyncIterator[bytes]:
    """Yield a file from a db session that lives as long as the response, not as the request."""
    async with session:
        async for chunk in part.export(session, chosen=chosen):
            yield chunk.encode()


def _kind(name: str) -> Kind:
    if name not in KINDS:
        raise NotFoundError(_("Nothing of the name '%(name)s' can be imported.", name=name))
    return KINDS[name]


async def _form_page(kind: Kind, form: ImportForm) -> str:
    return await render_template("transfer/create.html", kind=kind, form=form)


async def _upload_page(upload: Upload) -> str:
    return await render_template("transfer/show.html", upload=upload)
