"""The pages of people."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from quart import flash, jsonify, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck.login import current_user, login_required, role_required
from quarterdeck_crm.deals.panels import read_person_deals
from quarterdeck_crm.errors import ConflictError, ForbiddenError, NotFoundError
from quarterdeck_crm.extensions import csrf, db
from quarterdeck_crm.extras.filters import open_record_panel
from quarterdeck_crm.extras.forms import extended
from quarterdeck_crm.extras.reading import read_extras
from quarterdeck_crm.forms.conflicts import Conflict, reconcile
from quarterdeck_crm.forms.errors import Check, add_errors_of, errors_on
from quarterdeck_crm.forms.submission import Saved, save_once
from quarterdeck_crm.history.asked import asked_timeline
from quarterdeck_crm.history.undo import offer_undo
from quarterdeck_crm.models import Person, Role
from quarterdeck_crm.notes.panels import notes_of
from quarterdeck_crm.saved_views.pages import open_list
from quarterdeck_crm.search.autocomplete import label, suggest
from quarterdeck_crm.search.merges import find_account
from quarterdeck_crm.search.similar import (
    ANYWAY,
    MAX_TYPED,
    Similar,
    SimilarFoundError,
    similar_people,
)
from quarterdeck_crm.tasks.panels import read_person_panel
from quarterdeck_crm.validation.numbers import row_id
from quarterdeck_crm.web.undo import flash_with_undo

from . import bp as bp
from .forms import AddressForm, EmailForm, PersonForm, PhoneForm, PlaceForm, form_data
from .places import account_names
from .services import (
    COLUMNS,
    FILTERS,
    RANGES,
    SORTS,
    archive_person,
    check_person,
    create_person,
    delete_person,
    get_person,
    list_people,
    may_edit_person,
    require_edit_person,
    restore_person,
    update_person,
)

BLANKS = {"accounts": PlaceForm, "phones": PhoneForm, "emails": EmailForm, "addresses": AddressForm}


@bp.get("/")
@login_required
async def index() -> str:
    listing, views = await open_list(
        db.session,
        page="people",
        sorts=SORTS,
        default="name",
        filters=FILTERS,
        columns=COLUMNS,
    )
    panel = await open_record_panel(
        db.session, listing, RANGES, records=("account",), kind=Person.__tablename__
    )
    page = await list_people(db.session, listing=listing, actor=current_user)
    extras = await read_extras(db.session, Person, [person.id for person in page.items])
    return await render_template(
        "people/index.html",
        listing=listing,
        panel=panel,
        views=views,
        page=page,
        extras=extras.showing(listing),
    )


@bp.get("/suggest")
@login_required
async def suggestions() -> ResponseReturnValue:
    """Return people, with the names of their accounts, for a field that is being typed into."""
    people = await suggest(db.session, Person, q=request.args.get("q", "")[:200])
    accounts = await account_names(db.session, people)
    return jsonify(
        [
            {"label": label(person), "accounts": ", ".join(accounts.get(person.id, ())[:2])}
            for person in people
        ]
    )


@bp.get("/similar")
@login_required
async def similar() -> ResponseReturnValue:
    """Return people that the one in a form may repeat."""
    found = await similar_people(
        db.session,
        name=request.args.get("name", "")[:300],
        emails=[text[:300] for text in request.args.getlist("email")[:MAX_TYPED]],
        phones=[text[:300] for text in request.args.getlist("number")[:MAX_TYPED]],
        apart_from=row_id(request.args.get("apart_from", "")),
    )
    return jsonify(
        [
            {"name": row.name, "words": row.words, "url": url_for(".show", person_id=row.id)}
            for row in found
        ]
    )


@bp.get("/<int:person_id>")
@login_required
async def show(person_id: int) -> str:
    person = await get_person(db.session, person_id=person_id)
    return await render_template(
        "people/show.html",
        person=person,
        extras=await read_extras(db.session, Person, [person.id]),
        timeline=await asked_timeline(db.session, person),
        rooms=[f"person:{person.id}", *(f"contact:{each.id}" for each in person.contacts)],
        tasks=await read_person_panel(db.session, reader=current_user, person=person),
        deals=await read_person_deals(db.session, person_id=person.id),
        notes=notes_of(person, reader=current_user),
        may_edit=may_edit_person(current_user, person),
    )


@bp.get("/new")
@login_required
async def create() -> str:
    rows = []
    if account_id := row_id(request.args.get("account", "")):
        account = await find_account(db.session, account_id)
        if account is None:
            raise NotFoundError(_("There is no such account. It may have been removed."))
        rows = [{"account": label(account)}]
    return await _form_page((await _form())(data={"version": 0, "accounts": rows}))


@bp.post("/new")
@login_required
@csrf.redisplay
async def create_submit() -> ResponseReturnValue:
    form = await (await _form()).submitted()

    async def work(session: AsyncSession) -> Saved:
        values = form.entries()
        if ANYWAY not in await request.form:
            emails = [row["email"] for row in values["emails"]]
            numbers = [row["number"] for row in values["phones"]]
            name = values["name"]
            if found := await similar_people(session, name=name, emails=emails, phones=numbers):
                raise SimilarFoundError(found)
        person = await create_person(session, actor=current_user, values=values)
        return Saved(url_for(".show", person_id=person.id), _("The person is created."))

    if await _is_valid(form, partial(_check, form)):
        try:
            with errors_on(form):
                saved = await save_once(form.submission, work)
                await flash(saved.message, "success")
                return redirect(saved.location, 303)
        except SimilarFoundError as error:
            return await _form_page(form, similar=error.found), 422
        except ForbiddenError as error:
            form.add_errors({"accounts": [str(error)]})
            return await _form_page(form), 403
    return await _form_page(form), 422


@bp.get("/<int:person_id>/edit")
@login_required
async def edit(person_id: int) -> str:
    person = await _load(person_id)
    extras = await read_extras(db.session, Person, [person.id])
    form = extended(PersonForm, extras)(data=form_data(person) | extras.form_data(person.id))
    return await _form_page(form, person)


@bp.post("/<int:person_id>/edit")
@login_required
@csrf.redisplay
async def edit_submit(person_id: int) -> ResponseReturnValue:
    person = await _load(person_id)
    form = await (await _form(person)).submitted()
    try:
        if await _is_valid(form, partial(_check, form, person)):
            with errors_on(form):
                async with db.transaction() as session:
                    await update_person(
                        session,
                        actor=current_user,
                        person=person,
                        values=form.entries(),
                        version=form.version.data or 0,
                    )
                await flash(_("The person is saved."), "success")
                return redirect(url_for(".show", person_id=person_id), 303)
        form.require_present(person)
    except ForbiddenError as error:
        person = await _load(person_id)
        form.add_errors({"accounts": [str(error)]})
        return await _form_page(form, person), 403
    except ConflictError:
        person = await _load(person_id)
        conflict = await reconcile(db.session, form, person, now=await _shown(person))
        await add_errors_of(partial(_check, form, person), form)
        return await _form_page(form, person, conflict), 409
    return await _form_page(form, person), 422


@bp.post("/<int:person_id>/archive")
@login_required
async def archive(person_id: int) -> ResponseReturnValue:
    async with db.transaction() as session:
        person = await get_person(session, person_id=person_id)
        was_archived = person.is_archived
        await archive_person(session, actor=current_user, person=person)
        key = None
        if not was_archived:
            key = await offer_undo(session, person, actor=current_user, action="archived")
    await flash_with_undo(_("The person is archived, and can be restored."), key)
    return redirect(url_for(".show", person_id=person_id), 303)


@bp.post("/<int:person_id>/restore")
@login_required
async def restore(person_id: int) -> ResponseReturnValue:
    async with db.transaction() as session:
        person = await get_person(session, person_id=person_id)
        await restore_person(session, actor=current_user, person=person)
    await flash(_("The person is in use again."), "success")
    return redirect(url_for(".show", person_id=person_id), 303)


@bp.post("/<int:person_id>/delete")
@role_required(Role.MODERATOR)
async def delete(person_id: int) -> ResponseReturnValue:
    """Delete the data of a person for good."""
    async with db.transaction() as session:
        person = await get_person(session, person_id=person_id)
        await delete_person(session, actor=current_user, person=person)
    await flash(_("The person is deleted for good."), "success")
    return redirect(url_for(".index"), 303)


async def _load(person_id: int) -> Person:
    person = await get_person(db.session, person_id=person_id)
    require_edit_person(current_user, person)
    return person


async def _is_valid(form: PersonForm, check: Check) -> bool:
    """Check the form, and find the accounts that its words mean."""
    is_settled = await form.settle(db.session)
    if await form.validate_on_submit() and is_settled:
        return True
    await add_errors_of(check, form)
    return False


async def _check(form: PersonForm, person: Person | None = None) -> None:
    """Find the errors of the service in a form that is not valid."""
    await check_person(db.session, values=form.entries(), person=person)


async def _form(person: Person | None = None) -> type[PersonForm]:
    ids = () if person is None else (person.id,)
    return extended(PersonForm, await read_extras(db.session, Person, ids))


async def _shown(person: Person) -> dict[str, Any]:
    extras = await read_extras(db.session, Person, [person.id])
    return form_data(person) | extras.form_data(person.id)


async def _form_page(
    form: PersonForm,
    person: Person | None = None,
    conflict: Conflict | None = None,
    similar: Sequence[Similar] = (),
) -> str:
    form.offer_rows()
    form.number_rows()
    return await render_template(
        "people/form.html",
        form=form,
        person=person,
        conflict=conflict,
        similar=similar,
        blanks={name: kind(prefix=f"{name}-__index__-") for name, kind in BLANKS.items()},
    )
