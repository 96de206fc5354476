"""Rules and queries of accounts. ``actor`` is the user that acts; None is the system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, TypeVar

from sqlalchemy import BindParameter, ColumnElement, Select, and_, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from quarterdeck.babel import gettext as _
from quarterdeck.sqlalchemy import Pagination
from quarterdeck_crm.errors import MergedError, NotFoundError
from quarterdeck_crm.extras.records import FILTERS as EXTRA_FILTERS
from quarterdeck_crm.extras.records import (
    check_extras,
    extra_conditions,
    take_extras,
    write_extras,
)
from quarterdeck_crm.history.recording import flush, record, require_version, set_archived, store
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.listing import Listing, paginate
from quarterdeck_crm.models import Account, Order, User
from quarterdeck_crm.models.collation import code_key
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.notifications.services import notify_assigned
from quarterdeck_crm.orders.states import OPEN
from quarterdeck_crm.permissions import owner_problem, require_edit
from quarterdeck_crm.search.conditions import matching, ordering
from quarterdeck_crm.search.filters import Range, Ranges
from quarterdeck_crm.validation import Problems
from quarterdeck_crm.validation.numbers import row_id

T = TypeVar("T")

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
    "name": Account.name_key,
    "code": Account.code_key,
    "city": Account.city_key,
    "country": Account.country_key,
    "owner": select(User.name_key).where(User.id == Account.owner_id).scalar_subquery(),
    "created": Account.created_at,
    "orders": func.coalesce(OPEN_ORDERS.c.orders, 0),
}
RANGES = Ranges((Range("created", Account.created_at, _l("Added")),))
COLUMNS = {
    "code": _l("Code"),
    "city": _l("City"),
    "country": _l("Country"),
    "owner": _l("Owner"),
    "orders": _l("Open orders"),
    "created": _l("Added"),
}
FILTERS = ("owner", "archived", "idle", *RANGES.names, *EXTRA_FILTERS)
MAX_IDLE = 36_500  # days


async def list_accounts(
    session: AsyncSession, *, listing: Listing, actor: User | None = None
) -> Pagination[Account]:
    """Return a page of accounts with the names of their owners.

    Filters: ``owner`` is ``me``, ``none`` or an id; ``archived`` shows those put away instead
    of those in use; ``idle`` is a number of days, and shows accounts that have orders but none
    in these days. ``RANGES`` and ``extra_conditions`` are further filters.

    Raises:
        ValidationError: If a range cannot be read.
    """
    conditions = await _conditions(session, listing, actor)
    with_owner = joinedload(Account.owner).load_only(User.name, User.name_key)
    if listing.sort == "orders":
        # Without a cursor: the number is not read with the account, and changes with each order.
        # The ids first: the open orders of all accounts are counted for them, and once is enough.
        ids = _by_open_orders(select(Account.id).where(*conditions), listing)
        page: Pagination[Any] = await paginate(session, ids, listing)
        rows = select(Account).where(Account.id.in_(page.items)).options(with_owner)
        found = {account.id: account for account in await session.scalars(rows)}
        page.items = [found[id_] for id_ in page.items if id_ in found]
        return page
    statement = select(Account).where(*conditions).options(with_owner)
    by = ordering(listing, SORTS[listing.sort], Account.id)
    position = _by_owner if listing.sort == "owner" else None
    return await paginate(session, statement, listing, by=by, position=position)


async def list_account_ids(
    session: AsyncSession, *, listing: Listing, actor: User | None = None
) -> Sequence[int]:
    """Return the ids of all accounts of a list that is sorted by open orders.

    Raises:
        ValidationError: If a range cannot be read.
    """
    statement = select(Account.id).where(*await _conditions(session, listing, actor))
    return (await session.scalars(_by_open_orders(statement, listing))).all()


async def _conditions(
    session: AsyncSession, listing: Listing, actor: User | None
) -> list[ColumnElement[bool]]:
    filters = listing.filters
    archived, is_whole = Account.archived_at.is_not(None), Account.merged_into_id.is_(None)
    return [
        archived & is_whole if filters.get("archived") else ~archived,
        *matching(listing.q, Account),
        *_owned(filters.get("owner"), actor),
        *await RANGES.conditions(filters, actor),
        *await extra_conditions(session, filters, Account),
        *_idle(filters.get("idle", "")),
    ]


def _by_open_orders(statement: Select[T], listing: Listing) -> Select[T]:
    joined = statement.outerjoin(OPEN_ORDERS, OPEN_ORDERS.c.account_id == Account.id)
    return joined.order_by(*ordering(listing, SORTS["orders"], Account.id))


def has_been_idle(since: date | BindParameter[date]) -> ColumnElement[bool]:
    """Return the condition for accounts that have orders, but none since a day."""
    orders = exists().where(Order.account_id == Account.id).correlate(Account)
    return and_(orders, ~orders.where(Order.ordered_on >= since))


def _idle(days: str) -> list[ColumnElement[bool]]:
    number = row_id(days)
    return [has_been_idle(days_ago(min(number, MAX_IDLE)))] if number else []


def days_ago(days: int) -> date:
    """Return the day that lies so many days before today, in UTC."""
    return utc_now().date() - timedelta(days=days)


async def get_account(session: AsyncSession, *, account_id: int) -> Account:
    """Return an account as it is now, with its owner.

    Raises:
        MergedError: If it became part of another one.
        NotFoundError: If there is none of that id.
    """
    statement = (
        select(Account)
        .where(Account.id == account_id)
        .options(joinedload(Account.owner))
        .execution_options(populate_existing=True)
    )
    account = await session.scalar(statement)
    if account is None:
        raise NotFoundError(_("There is no such account. It may have been removed."))
    if account.merged_into_id is not None:
        raise MergedError("account", account.merged_into_id)
    return account


async def create_account(
    session: AsyncSession, *, actor: User | None, values: Mapping[str, Any]
) -> Account:
    """Add an account; without an ``owner_id`` in ``values`` it belongs to the actor.

    Raises:
        ValidationError: If a value cannot be accepted.
    """
    owned = {"owner_id": actor.id if actor else None, **values}
    cleaned = await check_account(session, values=owned)
    extras = take_extras(cleaned)
    account = Account(**cleaned)
    session.add(account)
    await flush(session, account)
    await write_extras(session, account, extras)
    record(session, actor=actor, subject=account, action="created")
    await notify_assigned(session, actor=actor, record=account)
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
        ConflictError: If another save came after that version.
        ForbiddenError: If the actor may not edit it.
        ValidationError: If a value cannot be accepted.
    """
    require_edit(actor, account)
    require_version(account, version)
    cleaned = await check_account(session, values=values, account=account)
    changes = await write_extras(session, account, take_extras(cleaned))
    before = account.owner_id
    await store(session, actor=actor, row=account, values=cleaned, also=changes)
    await notify_assigned(session, actor=actor, record=account, before=before)
    return account


async def archive_account(session: AsyncSession, *, actor: User | None, account: Account) -> None:
    """Put an account away; its orders stay. Doing it twice changes nothing.

    Raises:
        ForbiddenError: If the actor may not edit it.
    """
    require_edit(actor, account)
    await set_archived(session, actor=actor, row=account, archived=True)


async def restore_account(session: AsyncSession, *, actor: User | None, account: Account) -> None:
    """Take an account back into use. Doing it twice changes nothing.

    Raises:
        ForbiddenError: If the actor may not edit it.
    """
    require_edit(actor, account)
    await set_archived(session, actor=actor, row=account, archived=False)


async def check_account(
    session: AsyncSession, *, values: Mapping[str, Any], account: Account | None = None
) -> dict[str, Any]:
    """Return values that an account can have.

    Args:
        session: The db session.
        values: The entries; for a new account all of them.
        account: The account that is edited.

    Raises:
        ValidationError: With the problems of all values at once.
    """
    problems = Problems()
    cleaned = problems.clean(Account, values, fields=FIELDS, complete=account is None, row=account)
    if code := cleaned.get("code"):
        taken = await session.scalar(select(Account.id).where(Account.code_key == code_key(code)))
        if taken is not None and (account is None or taken != account.id):
            problems.add("code", _("Another account has this code."))
    owner_id = cleaned.get("owner_id")
    is_new = owner_id is not None and (account is None or owner_id != account.owner_id)
    if is_new and (problem := await owner_problem(session, owner_id or 0)):
        problems.add("owner_id", problem)
    cleaned |= await check_extras(session, problems, values, Account, account)
    problems.raise_if_any()
    return cleaned


def _by_owner(account: Account) -> tuple[str | None, int]:
    return account.owner.name_key if account.owner else None, account.id


def _owned(owner: str | None, actor: User | None) -> list[Any]:
    match owner:
        case None:
            return []
        case "me" if actor is not None:
            return [Account.owner_id == actor.id]
        case "none":
            return [Account.owner_id.is_(None)]
        case _:
            return [] if (id_ := row_id(owner)) is None else [Account.owner_id == id_]
