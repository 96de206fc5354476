"""The pages of the team: everybody sees it, administrators change it."""

from __future__ import annotations

from quart import flash, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from quarterdeck.login import current_user, login_required, role_required
from quarterdeck_crm.auth.services import make_link_token
from quarterdeck_crm.errors import ConflictError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.forms import errors_on
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import Role

from . import bp as bp
from . import services
from .forms import KIND_LABELS, PersonForm


@bp.get("/")
@login_required
async def index() -> str:
    listing = Listing.from_args(
        request.args, sorts=services.SORTS, default="name", filters=services.FILTERS
    )
    people = await services.list_people(db.session, listing=listing)
    return await render_template(
        "team/index.html",
        people=people,
        listing=listing,
        roles=[(role, role) for role in Role],
        kinds=KIND_LABELS,
    )


@bp.get("/<int:person_id>")
@login_required
async def show(person_id: int) -> str:
    return await _show_page(person_id)


@bp.get("/phone/<mobile:number>")
@login_required
async def by_phone(number: str) -> ResponseReturnValue:
    """Find who has a mobile number: the address that a telephone system opens for a caller."""
    person = await services.find_by_phone(db.session, number)
    return redirect(url_for("team.show", person_id=person.id))


@bp.get("/new")
@role_required(Role.ADMIN)
async def create() -> str:
    return await render_template("team/create.html", form=await PersonForm.from_request())


@bp.post("/new")
@role_required(Role.ADMIN)
async def create_submit() -> ResponseReturnValue:
    form = await PersonForm.from_request()
    if await form.validate_on_submit():
        with errors_on(form):
            async with db.transaction() as session:
                person = await services.create_person(session, data=form.entered())
            await flash(f"{person.name} is in the team. Make a sign-in link next.", "success")
            return redirect(url_for("team.show", person_id=person.id), 303)
    return await render_template("team/create.html", form=form), 422


@bp.get("/<int:person_id>/edit")
@role_required(Role.ADMIN)
async def edit(person_id: int) -> str:
    person = await services.get_person(db.session, person_id)
    return await _edit_page(person_id, await PersonForm.from_request(obj=person))


@bp.post("/<int:person_id>/edit")
@role_required(Role.ADMIN)
async def edit_submit(person_id: int) -> ResponseReturnValue:
    form = await PersonForm.from_request()
    if await form.validate_on_submit():
        with errors_on(form):
            async with db.transaction() as session:
                person = await services.get_person(session, person_id)
                await services.edit_person(session, person=person, data=form.entered())
            await flash(f"{person.name} is saved.", "success")
            return redirect(url_for("team.show", person_id=person_id), 303)
    return await _edit_page(person_id, form), 422


@bp.post("/<int:person_id>/disable")
@role_required(Role.ADMIN)
async def disable(person_id: int) -> ResponseReturnValue:
    try:
        async with db.transaction() as session:
            person = await services.get_person(session, person_id)
            await services.disable_person(session, person=person, actor=current_user)
    except ConflictError as error:
        return await _show_page(person_id, problem=str(error)), 409
    await flash(f"{person.name} is disabled and signed out everywhere.", "success")
    return redirect(url_for("team.show", person_id=person_id), 303)


@bp.post("/<int:person_id>/enable")
@role_required(Role.ADMIN)
async def enable(person_id: int) -> ResponseReturnValue:
    async with db.transaction() as session:
        person = await services.get_person(session, person_id)
        await services.enable_person(session, person=person)
    await flash(f"{person.name} can sign in again.", "success")
    return redirect(url_for("team.show", person_id=person_id), 303)


@bp.post("/<int:person_id>/delete")
@role_required(Role.ADMIN)
async def delete(person_id: int) -> ResponseReturnValue:
    try:
        async with db.transaction() as session:
            person = await services.get_person(session, person_id)
            await services.delete_person(session, person=person, actor=current_user)
    except ConflictError as error:
        return await _show_page(person_id, problem=str(error)), 409
    await flash(f"{person.name} is deleted.", "success")
    return redirect(url_for("team.index"), 303)


@bp.post("/<int:person_id>/link")
@role_required(Role.ADMIN)
async def link(person_id: int) -> str:
    """Make a link with which the person sets a password: after an invitation or a loss."""
    person = await services.get_person(db.session, person_id)
    url = url_for("auth.reset_link", token=make_link_token(person), _external=True)
    return await render_template("team/link.html", person=person, url=url)


async def _show_page(person_id: int, problem: str | None = None) -> str:
    person = await services.get_person(db.session, person_id)
    return await render_template(
        "team/show.html", person=person, kinds=KIND_LABELS, problem=problem
    )


async def _edit_page(person_id: int, form: PersonForm) -> str:
    person = await services.get_person(db.session, person_id)
    return await render_template("team/edit.html", form=form, person=person)
