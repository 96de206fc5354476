"""People for programs."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta
from quart import url_for
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.login import current_user
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Person
from quarterdeck_crm.people import services
from quarterdeck_crm.search.record_filters import follow_merged

from . import bp, schemas
from .answers import NOTHING, Answer
from .bodies import Needs
from .etags import etag_of, expected_version
from .extras import Field, Tag, with_extras, with_extras_of
from .idempotency import once
from .operations import operation
from .pagination import Account, Archived, FromDay, ListQuery, ToDay, listing_of, page_fields, sort
from .schemas import PersonBody

GROUP = "People"
LIST = "/people"
ONE = "/people/<int:person_id>"


class PersonQuery(ListQuery):
    sort: Annotated[str, sort(services.SORTS)] = "name"
    account: Account | None = None
    contact: (
        Annotated[
            Literal["yes", "no"],
            Meta(description="`no` lists those who must not be contacted, `yes` the others."),
        ]
        | None
    ) = None
    archived: Archived = False
    created_from: FromDay | None = None
    created_to: ToDay | None = None
    tag: Tag | None = None
    field: Field | None = None


@bp.get(LIST)
@operation(GROUP, query=PersonQuery, answers=schemas.PersonPage)
async def list_people(query_args: PersonQuery) -> Answer:
    """List people.

    Words are looked for in name and e-mail addresses. Postal addresses are left out.
    """
    listing = listing_of(query_args, filters=services.FILTERS, ranges=services.RANGES)
    await follow_merged(db.session, listing)
    page = await services.list_people(db.session, listing=listing, actor=current_user)
    found = [schemas.PersonSummary.of(person) for person in page]
    items = await with_extras(db.session, Person, found)
    return Answer(schemas.PersonPage(items=items, **page_fields(page)))


@bp.post(LIST)
@operation(GROUP, body=PersonBody, answers=schemas.Person, status=201, repeatable=True)
async def create_person(data: PersonBody) -> Answer:
    """Add a person, also to accounts that you may edit."""

    async def work(session: AsyncSession) -> Answer:
        person = await services.create_person(session, actor=current_user, values=data.given())
        url = url_for("api.read_person", person_id=person.id)
        return await _answer(session, person.id, status=201, location=url)

    return await once(data, work)


@bp.get(ONE)
@operation(GROUP, answers=schemas.Person)
async def read_person(person_id: int) -> Answer:
    """Read a person, also an archived one."""
    return await _answer(db.session, person_id)


@bp.put(ONE)
@operation(GROUP, body=PersonBody, needs=Needs.ALL, answers=schemas.Person, locks=True)
async def replace_person(person_id: int, data: PersonBody) -> Answer:
    """Replace all fields of a person.

    All must be there, so that none is emptied by mistake.
    """
    return await _update(person_id, data)


@bp.patch(ONE)
@operation(GROUP, body=PersonBody, needs=Needs.NONE, answers=schemas.Person, locks=True)
async def change_person(person_id: int, data: PersonBody) -> Answer:
    """Change some fields of a person; null empties one, a list replaces the present one."""
    return await _update(person_id, data)


@bp.delete(ONE)
@operation(GROUP, status=204, locks=True)
async def archive_person(person_id: int) -> Answer:
    """Put a person away.

    The accounts keep the person; `archived_at` tells when it was put away.
    """
    async with db.transaction() as session:
        person = await services.get_person(session, person_id=person_id)
        expected_version(person)
        await services.archive_person(session, actor=current_user, person=person)
    return NOTHING


@bp.post(f"{ONE}/restore")
@operation(GROUP, answers=schemas.Person, conflicts=True)
async def restore_person(person_id: int) -> Answer:
    """Take an archived person back into use."""
    async with db.transaction() as session:
        person = await services.get_person(session, person_id=person_id)
        await services.restore_person(session, actor=current_user, person=person)
        return await _answer(session, person_id)


@bp.delete(f"{ONE}/data")
@operation(GROUP, status=204, locks=True)
async def delete_person(person_id: int) -> Answer:
    """Delete a person and its history for good; moderators may."""
    async with db.transaction() as session:
        person = await services.get_person(session, person_id=person_id)
        expected_version(person)
        await services.delete_person(session, actor=current_user, person=person)
    return NOTHING


async def _update(person_id: int, data: PersonBody) -> Answer:
    async with db.transaction() as session:
        person = await services.get_person(session, person_id=person_id)
        await services.update_person(
            session,
            actor=current_user,
            person=person,
            values=data.given(),
            version=expected_version(person),
        )
        return await _answer(session, person_id)


async def _answer(
    session: AsyncSession, person_id: int, *, status: int = 200, location: str | None = None
) -> Answer:
    """Return the person as it is stored, so that every answer equals that of a read."""
    person = await services.get_person(session, person_id=person_id)
    body = await with_extras_of(session, Person, schemas.Person.of(person))
    return Answer(body, status, etag_of(person, [*body.tags, *body.fields]), location=location)
