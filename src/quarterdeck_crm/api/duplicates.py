"""Likely duplicates for programs, and merging two records."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.login import current_user
from quarterdeck_crm.accounts.services import get_account
from quarterdeck_crm.duplicates import services
from quarterdeck_crm.extensions import db
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import Account, Person
from quarterdeck_crm.people.services import get_person
from quarterdeck_crm.validation.numbers import row_id

from . import bp, schemas
from . import fields as f
from .answers import NOTHING, Answer
from .etags import NO_VERSION, etag_of, expected_version
from .extras import with_extras_of
from .operations import operation
from .pagination import PageQuery, page_fields

GROUP = "Duplicates"
Kind = Literal["account", "person"]


class DuplicateQuery(PageQuery):
    kind: Annotated[Kind, Meta(description="Of which kind.")] = "account"


class DuplicatePair(Struct, kw_only=True):
    """Two records that are likely the same."""

    kind: Kind
    first_id: f.Id
    first_name: str
    second_id: f.Id
    second_name: str
    reasons: list[Literal["name", "mail", "phone"]]


class DuplicatePage(schemas.Page):
    """A page of likely duplicates, the likeliest first."""

    items: list[DuplicatePair]


class MergeBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """The record that becomes part of the one of the address."""

    other_id: f.Id
    other_etag: Annotated[
        str, Meta(max_length=40, description="The ETag of the other record, without quotes.")
    ]
    take: Annotated[
        list[Annotated[str, Meta(max_length=60)]],
        Meta(
            max_length=80,
            description="Fields whose values come from the other record, such as `phone`; "
            "of people `name`, `birthday` and `consent`. A custom field is `fields.KEY`; one "
            "that only the other record has is kept without being named.",
        ),
    ] = []


@bp.get("/duplicates")
@operation(GROUP, query=DuplicateQuery, answers=DuplicatePage)
async def list_duplicates(query_args: DuplicateQuery) -> Answer:
    """List pairs of records in use that share a name, a mail domain, a website or a number."""
    query = query_args
    listing = Listing(
        sort="strength",
        descending=True,
        page=query.page,
        per_page=query.per_page,
        after=query.after,
        before=query.before,
    )
    page, pairs = await services.list_pairs(db.session, kind=query.kind, listing=listing)
    items = [
        DuplicatePair(
            kind=query.kind,
            first_id=pair.first.id,
            first_name=pair.first.name,
            second_id=pair.second.id,
            second_name=pair.second.name,
            reasons=pair.reasons,  # type: ignore[arg-type]  # the index knows these words only
        )
        for pair in pairs
    ]
    return Answer(DuplicatePage(items=items, **page_fields(page)))


@bp.post("/duplicates/<string:record_kind>/<int:first_id>/<int:second_id>/dismiss")
@operation(GROUP, status=204)
async def dismiss_duplicate(record_kind: str, first_id: int, second_id: int) -> Answer:
    """Take a pair off the list for good, because the two are not the same."""
    async with db.transaction() as session:
        ids = first_id, second_id
        await services.dismiss_pair(session, actor=current_user, kind=record_kind, ids=ids)
    return NOTHING


@bp.post("/accounts/<int:account_id>/merge")
@operation(GROUP, body=MergeBody, answers=schemas.Account, locks=True)
async def merge_account(account_id: int, data: MergeBody) -> Answer:
    """Let another account become part of this one, with all that belongs to it."""

    async def work(session: AsyncSession) -> Answer:
        account: Any = await get_account(session, account_id=account_id)
        account = await _merge(session, account, data)
        body = await with_extras_of(session, Account, schemas.Account.of(account))
        return Answer(body, 200, etag_of(account, [*body.tags, *body.fields]))

    return await db.run(work)


@bp.post("/people/<int:person_id>/merge")
@operation(GROUP, body=MergeBody, answers=schemas.Person, locks=True)
async def merge_person(person_id: int, data: MergeBody) -> Answer:
    """Let another person become part of this one, with numbers, addresses and accounts."""

    async def work(session: AsyncSession) -> Answer:
        person: Any = await get_person(session, person_id=person_id)
        person = await _merge(session, person, data)
        body = await with_extras_of(session, Person, schemas.Person.of(person))
        return Answer(body, 200, etag_of(person, [*body.tags, *body.fields]))

    return await db.run(work)


async def _merge(session: AsyncSession, row: Any, data: MergeBody) -> Any:
    version = row_id(data.other_etag.strip('"').partition("-")[0])
    return await services.merge(
        session,
        actor=current_user,
        kind=row.__tablename__,
        keep=(row.id, expected_version(row)),
        other=(data.other_id, NO_VERSION if version is None else version),
        take=data.take,
    )
