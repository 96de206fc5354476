"""The pages of notes."""

from __future__ import annotations

from functools import partial

from quart import flash, jsonify, redirect, render_template, request
from quart.typing import ResponseReturnValue
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck.login import current_user, login_required
from quarterdeck_crm.errors import ConflictError
from quarterdeck_crm.extensions import csrf, db
from quarterdeck_crm.forms.conflicts import reset
from quarterdeck_crm.forms.errors import errors_on, is_valid
from quarterdeck_crm.forms.submission import Saved, save_once
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import Note
from quarterdeck_crm.notifications.records import Record, get_record, name_of, note_url, record_url

from . import bp as bp
from .forms import NoteEditForm, NoteForm
from .mentions import candidates, suggest_colleagues
from .panels import read_notes
from .services import add_note, check_note, edit_note, get_note, remove_note, require_edit

RECORD = "/<record>/<int:record_id>"


@bp.get(RECORD)
@login_required
async def index(record: str, record_id: int) -> str:
    """Show all notes on a record."""
    return await _list_page(await get_record(db.session, record, record_id))


@bp.post(RECORD)
@login_required
@csrf.redisplay
async def create(record: str, record_id: int) -> ResponseReturnValue:
    subject = await get_record(db.session, record, record_id)
    form = await NoteForm.from_request()
    body = form.body.data or ""

    async def work(session: AsyncSession) -> Saved:
        present = await get_record(session, record, record_id)
        note = await add_note(session, actor=current_user, subject=present, body=body)
        return Saved(_place(note), _added(note))

    if await is_valid(form, partial(check_note, body)):
        with errors_on(form):
            saved = await save_once(form.submission, work)
            await flash(saved.message, "success")
            return redirect(saved.location, 303)
    return await _list_page(subject, form), 422


@bp.get("/<int:note_id>/edit")
@login_required
async def edit(note_id: int) -> str:
    note = await _load(note_id)
    return await _form_page(note, NoteEditForm(data={"body": note.body, "version": note.version}))


@bp.post("/<int:note_id>/edit")
@login_required
@csrf.redisplay
async def edit_submit(note_id: int) -> ResponseReturnValue:
    note = await _load(note_id)
    form = await NoteEditForm.from_request()
    body = form.body.data or ""
    try:
        if await is_valid(form, partial(check_note, body)):
            with errors_on(form):
                async with db.transaction() as session:
                    await edit_note(
                        session,
                        actor=current_user,
                        note=await get_note(session, note_id=note_id),
                        body=body,
                        version=form.version.data or 0,
                    )
                await flash(_("The note is saved."), "success")
                return redirect(_place(note), 303)
        form.require_present(note)
    except ConflictError:
        note = await _load(note_id)
        reset(form.version, note.version)
        return await _form_page(note, form, has_conflict=True), 409
    return await _form_page(note, form), 422


@bp.post("/<int:note_id>/remove")
@login_required
async def remove(note_id: int) -> ResponseReturnValue:
    async with db.transaction() as session:
        note = await get_note(session, note_id=note_id)
        await remove_note(session, actor=current_user, note=note)
    await flash(_("The note is removed."), "success")
    return redirect(record_url(note.subject_type, note.subject_id, _anchor="notes"), 303)


@bp.get("/colleagues")
@login_required
async def colleagues() -> ResponseReturnValue:
    """Return names for a mention that is being typed."""
    names = await suggest_colleagues(db.session, q=request.args.get("q", "")[:120])
    return jsonify(list(names))


async def _load(note_id: int) -> Note:
    """Return a note that the current user may edit, or answer 404 or 403."""
    note = await get_note(db.session, note_id=note_id)
    require_edit(current_user, note)
    return note


def _added(note: Note) -> str:
    """Return the message after a note was added: it names the colleagues that it mentions."""
    if not candidates(note.body):
        return _("The note is added.")
    if not note.mentioned:
        return _("The note is added, but the name after @ fits no colleague.")
    names = ", ".join(name for id_, name in note.mentioned.items() if id_ != current_user.id)
    if not names:
        return _("The note is added.")
    return _("The note is added. Notified: %(names)s.", names=names)


def _place(note: Note) -> str:
    """Return the address of a note on the page of its record."""
    return note_url(note.subject_type, note.subject_id, note.id)


async def _list_page(subject: Record, form: NoteForm | None = None) -> str:
    listing = Listing.from_args(request.args, sorts={"added": Note.id}, default="-added")
    panel = await read_notes(
        db.session, reader=current_user, record=subject, form=form, listing=listing
    )
    return await render_template(
        "notes/index.html",
        panel=panel,
        listing=listing,
        name=name_of(subject),
        back=record_url(*panel.key),
    )


async def _form_page(note: Note, form: NoteEditForm, *, has_conflict: bool = False) -> str:
    return await render_template(
        "notes/edit.html",
        form=form,
        note=note,
        has_conflict=has_conflict,
        back=_place(note),
    )
