"""The pages of likely duplicates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from markupsafe import Markup
from quart import flash, redirect, render_template, request, url_for
from quart.typing import ResponseReturnValue

from quarterdeck.babel import gettext as _
from quarterdeck.login import current_user, login_required
from quarterdeck_crm.errors import PAGES, ConflictError, MergedError, ValidationError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.extras.reading import read_extras
from quarterdeck_crm.extras.values import PREFIX
from quarterdeck_crm.history.wording import label_of
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.languages.days import shown_day
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.search.similar import REASONS
from quarterdeck_crm.validation.numbers import row_id

from . import bp as bp
from .services import (
    CHOICES,
    MODELS,
    SORTS,
    Record,
    custom_choices,
    dismiss_pair,
    get_record,
    list_pairs,
    may_edit_record,
    merge,
    require_kind,
)

ONE = "/<record_kind>/<int:first_id>/<int:second_id>"
CONSENT = _l("Consent")


@dataclass(frozen=True, slots=True)
class Choice:
    """A field of the two records, with the value of each; ``is_open`` if there is a choice."""

    name: str
    label: str
    values: list[Any]
    is_open: bool


@bp.get("/")
@login_required
async def index() -> str:
    """List pairs of accounts, or of people with ``kind=person``."""
    kind = "person" if request.args.get("kind") == "person" else "account"
    listing = Listing.from_args(request.args, sorts=SORTS, default="-strength", filters=("kind",))
    page, pairs = await list_pairs(db.session, kind=kind, listing=listing)
    rights = {
        (pair.row.first_id, pair.row.second_id): [
            may_edit_record(current_user, each) for each in (pair.first, pair.second)
        ]
        for pair in pairs
    }
    return await render_template(
        "duplicates/index.html",
        kind=kind,
        listing=listing,
        page=page,
        pairs=pairs,
        rights=rights,
        reasons=REASONS,
        endpoint=PAGES[kind],
    )


@bp.post(f"{ONE}/dismiss")
@login_required
async def dismiss(record_kind: str, first_id: int, second_id: int) -> ResponseReturnValue:
    async with db.transaction() as session:
        await dismiss_pair(session, actor=current_user, kind=record_kind, ids=(first_id, second_id))
    await flash(_("The two are no longer listed as duplicates."), "success")
    return redirect(url_for(".index", kind=record_kind), 303)


@bp.get(ONE)
@login_required
async def compare(record_kind: str, first_id: int, second_id: int) -> str:
    return await _page(record_kind, first_id, second_id)


@bp.post(ONE)
@login_required
async def compare_submit(record_kind: str, first_id: int, second_id: int) -> ResponseReturnValue:
    """Merge the two: ``keep`` is the id that stays, ``take-NAME`` the id whose value is taken."""
    require_kind(record_kind)
    form = await request.form
    keep_id = first_id if form.get("keep") != str(second_id) else second_id
    other_id = second_id if keep_id == first_id else first_id
    versions = {id_: row_id(form.get(f"version-{id_}", "")) or 0 for id_ in (first_id, second_id)}
    names = [*CHOICES[record_kind], *await custom_choices(db.session, record_kind)]
    take = [name for name in names if form.get(f"take-{name}") == str(other_id)]
    try:
        work = partial(
            merge,
            actor=current_user,
            kind=record_kind,
            keep=(keep_id, versions[keep_id]),
            other=(other_id, versions[other_id]),
            take=take,
        )
        name = (await db.run(work)).name
    except MergedError as error:  # pressed twice, or another user was faster
        return redirect(_url(error.kind, error.into), 303)
    except ValidationError as error:
        return await _page(record_kind, first_id, second_id, problem=str(error)), 422
    except ConflictError as error:
        return await _page(record_kind, first_id, second_id, problem=str(error)), 409
    await flash(
        _("The two are merged. All that belonged to them is at %(name)s.", name=name), "success"
    )
    return redirect(_url(record_kind, keep_id), 303)


async def _page(kind: str, first_id: int, second_id: int, problem: str | None = None) -> str:
    first = await get_record(db.session, kind, first_id)
    second = await get_record(db.session, kind, second_id)
    return await render_template(
        "duplicates/compare.html",
        kind=kind,
        rows=(first, second),
        urls=[_url(kind, row.id) for row in (first, second)],
        choices=_choices(kind, first, second) + await _custom_choices(kind, first, second),
        problem=problem,
        may_merge=all(may_edit_record(current_user, row) for row in (first, second)),
        may_dismiss=any(may_edit_record(current_user, row) for row in (first, second)),
    )


def _choices(kind: str, first: Record, second: Record) -> list[Choice]:
    """Return the choices that are filled in one of the two."""
    found = []
    for name, fields in CHOICES[kind].items():
        read = _consent if name == "consent" else _value
        values = [read(row, fields) for row in (first, second)]
        if any(values):
            label = str(CONSENT) if name == "consent" else label_of(name)
            found.append(Choice(name, label, values, is_open=values[0] != values[1]))
    return found


async def _custom_choices(kind: str, first: Record, second: Record) -> list[Choice]:
    """Return the custom fields that one of the two has; one that both have can be chosen."""
    extras = await read_extras(db.session, MODELS[kind], [first.id, second.id])
    found = []
    for field in extras.fields:
        values = [extras.values_of(row.id).get(field.key) for row in (first, second)]
        filled = [value for value in values if value is not None]
        if filled:
            is_open = len(filled) == 2 and values[0] != values[1]
            found.append(Choice(f"{PREFIX}{field.key}", field.label, values, is_open=is_open))
    return found


def _value(row: Any, fields: tuple[str, ...]) -> str | date:
    values = [row.owner if name == "owner_id" else getattr(row, name) for name in fields]
    if isinstance(values[0], date):
        return values[0]
    return ", ".join(str(getattr(value, "name", value)) for value in values if value is not None)


def _consent(person: Record, fields: tuple[str, ...]) -> Markup:
    given, how, withdrawn = (getattr(person, name) for name in fields)
    parts = [
        given and Markup("{} {}").format(_("Given"), shown_day(given)),
        how,
        withdrawn and Markup("{} {}").format(_("Withdrawn"), shown_day(withdrawn)),
    ]
    return Markup(", ").join(part for part in parts if part)


def _url(kind: str, id_: int) -> str:
    argument: dict[str, Any] = {f"{kind}_id": id_}
    return url_for(PAGES[kind], **argument)
