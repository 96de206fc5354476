"""Rules and queries of accounts. ``actor`` is who asks; None is the system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from quarterdeck.sqlalchemy import Pagination
from quarterdeck_crm.activity import flush, record, require_version, store
from quarterdeck_crm.errors import NotFoundError, ValidationError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import Account, Note, Order, User
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.orders.states import OPEN
from quarterdeck_crm.ownership import require_edit
from quarterdeck_crm.searching import matching, ordered
from quarterdeck_crm.values import clean

FIELDS = (
    "name",
    "code",
    "owner_id",
    "email",
    "phone",
    "website",
    "address",
    "city",
    "region",
    "postal_code",
    "country",
)
# Read from the open orders, of which there are few beside those that are done.
OPEN_ORDERS = (
    select(Order.account_id, func.count().label("orders"))
    .where(Order.state.in_(OPEN))
    .group_by(Order.account_id)
    .subquery()
)
SORTS: dict[str, Any] = {
    "name": Account.name,
    "code": Account.code,
    "city": Account.city,
    "country": Account.country,
    "owner": select(User.name).where(User.id == Account.owner_id).scalar_subquery(),
    "created": Account.created_at,
    "orders": func.coalesce(OPEN_ORDERS.c.orders, 0),
}
FILTERS = ("owner", "archived")


async def list_accounts(
    session: AsyncSession, *, listing: Listing, actor: User | None = None
) -> Pagination[Account]:
    """Return a page of accounts with the names of their owners.

    Filters: ``owner`` is ``me``, ``none`` or an id; ``archived`` shows those put away instead
    of those in use.
    """
    archived = Account.archived_at.is_not(None)
    statement = (
        select(Account)
        .where(archived if listing.filters.get("archived") else ~archived)
        .where(*matching(listing.q, Account), *_owned(listing.filters.get("owner"), actor))
        .options(joinedload(Account.owner).load_only(User.name))
    )
    if listing.sort == "orders":
        statement = statement.outerjoin(OPEN_ORDERS, OPEN_ORDERS.c.account_id == Account.id)
    return await db.paginate(
        ordered(statement, listing, SORTS, tie=Account.id),
        page=listing.page,
        per_page=listing.per_page,
        session=session,
    )


async def get_account(session: AsyncSession, *, account_id: int) -> Account:
    """Return an account as it is now, with owner, contacts and notes.

    Raises:
        NotFoundError: If there is none of that id.
    """
    statement = (
        select(Account)
        .where(Account.id == account_id)
        .options(
            joinedload(Account.owner),
            selectinload(Account.contacts),
            selectinload(Account.notes).joinedload(Note.author).load_only(User.name),
        )
        .execution_options(populate_existing=True)
    )
    account = await session.scalar(statement)
    if account is None:
        raise NotFoundError("There is no such account. It may have been removed.")
    return account


async def create_account(
    session: AsyncSession, *, actor: User | None, values: Mapping[str, Any]
) -> Account:
    """Add an account; without an ``owner_id`` in ``values`` it belongs to the actor.

    Raises:
        ValidationError: If a value cannot be accepted.
    """
    owned = {"owner_id": actor.id if actor else None, **values}
    cleaned = clean(Account, owned, fields=FIELDS, complete=True)
    await _check(session, cleaned)
    account = Account(**cleaned)
    session.add(account)
    await flush(session, account)
    record(session, actor=actor, subject=account, action="created")
    return account


async def update_account(
    session: AsyncSession,
    *,
    actor: User | None,
    account: Account,
    values: Mapping[str, Any],
    version: int,
) -> Account:
    """Change an account that was read at ``version``; names not in ``values`` stay.

    Raises:
        ConflictError: If somebody changed it since that version.
        ForbiddenError: If it belongs to somebody else.
        ValidationError: If a value cannot be accepted.
    """
    require_edit(actor, account)
    require_version(account, version)
    cleaned = clean(Account, values, fields=FIELDS)
    await _check(session, cleaned, account)
    await store(session, actor=actor, row=account, values=cleaned)
    return account


async def archive_account(session: AsyncSession, *, actor: User | None, account: Account) -> None:
    """Put an account away; its orders stay. Doing it twice changes nothing.

    Raises:
        ForbiddenError: If it belongs to somebody else.
    """
    require_edit(actor, account)
    if not account.is_archived:
        now = {"archived_at": utc_now()}
        await store(session, actor=actor, row=account, values=now, action="archived")


async def restore_account(session: AsyncSession, *, actor: User | None, account: Account) -> None:
    """Take an account back into use. Doing it twice changes nothing.

    Raises:
        ForbiddenError: If it belongs to somebody else.
    """
    require_edit(actor, account)
    if account.is_archived:
        none = {"archived_at": None}
        await store(session, actor=actor, row=account, values=none, action="restored")


async def _check(
    session: AsyncSession, values: Mapping[str, Any], account: Account | None = None
) -> None:
    """Refuse a code that is taken and an owner who cannot own."""
    errors = {}
    if code := values.get("code"):
        taken = await session.scalar(select(Account.id).where(Account.code == code))
        if taken is not None and (account is None or taken != account.id):
            errors["code"] = ["Another account has this code."]
    website = values.get("website")
    if website and not website.lower().startswith(("https://", "http://")):
        errors["website"] = ["Enter an address that begins with https:// or http://."]
    owner_id = values.get("owner_id")
    is_new = owner_id is not None and (account is None or owner_id != account.owner_id)
    if is_new and not await _is_active(session, owner_id):
        errors["owner_id"] = ["Choose a person of the team."]
    if errors:
        raise ValidationError(errors)


async def _is_active(session: AsyncSession, person_id: Any) -> bool:
    # Asked for by itself: the session may hold this person with nothing but the name.
    statement = select(User.is_active).where(User.id == person_id)
    return bool(await session.scalar(statement))


def _owned(owner: str | None, actor: User | None) -> list[Any]:
    match owner:
        case None:
            return []
        case "me" if actor is not None:
            return [Account.owner_id == actor.id]
        case "none":
            return [Account.owner_id.is_(None)]
        case _:
            return [Account.owner_id == int(owner)] if owner.isdecimal() else []
