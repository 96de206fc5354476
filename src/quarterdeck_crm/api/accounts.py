"""Accounts for programs."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta
from quart import url_for
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.login import current_user
from quarterdeck_crm.accounts import services
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Account

from . import bp, schemas
from .answers import NOTHING, Answer
from .bodies import Needs
from .etags import etag_of, expected_version
from .extras import Field, Tag, with_extras, with_extras_of
from .idempotency import once
from .operations import operation
from .pagination import Archived, FromDay, ListQuery, Owner, ToDay, listing_of, page_fields, sort
from .schemas import AccountBody

GROUP = "Accounts"


class AccountQuery(ListQuery):
    sort: Annotated[str, sort(services.SORTS)] = "name"
    owner: Owner | None = None
    archived: Archived = False
    idle: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=services.MAX_IDLE,
                description="Accounts that have orders, but none in so many days.",
            ),
        ]
        | None
    ) = None
    created_from: FromDay | None = None
    created_to: ToDay | None = None
    tag: Tag | None = None
    field: Field | None = None


@bp.get("/accounts")
@operation(GROUP, query=AccountQuery, answers=schemas.AccountPage)
async def list_accounts(query_args: AccountQuery) -> Answer:
    """List accounts.

    Words are looked for in name, code, city, country and the names of contacts.
    """
    page = await services.list_accounts(
        db.session,
        listing=listing_of(query_args, filters=services.FILTERS, ranges=services.RANGES),
        actor=current_user,
    )
    found = [schemas.Account.of(account) for account in page]
    items = await with_extras(db.session, Account, found)
    return Answer(schemas.AccountPage(items=items, **page_fields(page)))


@bp.post("/accounts")
@operation(GROUP, body=AccountBody, answers=schemas.Account, status=201, repeatable=True)
async def create_account(data: AccountBody) -> Answer:
    """Add an account.

    Without an `owner_id` it belongs to you.
    """

    async def work(session: AsyncSession) -> Answer:
        account = await services.create_account(session, actor=current_user, values=data.given())
        url = url_for("api.read_account", account_id=account.id)
        return await _answer(session, account.id, status=201, location=url)

    return await once(data, work)


@bp.get("/accounts/<int:account_id>")
@operation(GROUP, answers=schemas.Account)
async def read_account(account_id: int) -> Answer:
    """Read an account, also an archived one."""
    return await _answer(db.session, account_id)


@bp.put("/accounts/<int:account_id>")
@operation(GROUP, body=AccountBody, needs=Needs.ALL, answers=schemas.Account, locks=True)
async def replace_account(account_id: int, data: AccountBody) -> Answer:
    """Replace all fields of an account.

    All must be there, so that none is emptied by mistake.
    """
    return await _update(account_id, data)


@bp.patch("/accounts/<int:account_id>")
@operation(GROUP, body=AccountBody, needs=Needs.NONE, answers=schemas.Account, locks=True)
async def change_account(account_id: int, data: AccountBody) -> Answer:
    """Change some fields of an account; null empties one."""
    return await _update(account_id, data)


@bp.delete("/accounts/<int:account_id>")
@operation(GROUP, status=204, locks=True)
async def archive_account(account_id: int) -> Answer:
    """Put an account away.

    Its orders stay, and so does the account: `archived_at` tells when it was put away.
    """
    async with db.transaction() as session:
        account = await services.get_account(session, account_id=account_id)
        expected_version(account)
        await services.archive_account(session, actor=current_user, account=account)
    return NOTHING


@bp.post("/accounts/<int:account_id>/restore")
@operation(GROUP, answers=schemas.Account, conflicts=True)
async def restore_account(account_id: int) -> Answer:
    """Take an archived account back into use."""
    async with db.transaction() as session:
        account = await services.get_account(session, account_id=account_id)
        await services.restore_account(session, actor=current_user, account=account)
        return await _answer(session, account_id)


async def _update(account_id: int, data: AccountBody) -> Answer:
    async with db.transaction() as session:
        account = await services.get_account(session, account_id=account_id)
        await services.update_account(
            session,
            actor=current_user,
            account=account,
            values=data.given(),
            version=expected_version(account),
        )
        return await _answer(session, account_id)


async def _answer(
    session: AsyncSession, account_id: int, *, status: int = 200, location: str | None = None
) -> Answer:
    """Return the account as it is stored, so that every answer equals that of a read."""
    account = await services.get_account(session, account_id=account_id)
    body = await with_extras_of(session, Account, schemas.Account.of(account))
    return Answer(body, status, etag_of(account, [*body.tags, *body.fields]), location=location)
