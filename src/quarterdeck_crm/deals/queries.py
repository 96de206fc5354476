"""Queries of deals: the list, its filters, and the conditions that the board shares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from quarterdeck.sqlalchemy import Pagination
from quarterdeck_crm.extras.records import FILTERS as EXTRA_FILTERS
from quarterdeck_crm.extras.records import (
    extra_conditions,
)
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.listing import MAX_COUNTED, Listing, paginate
from quarterdeck_crm.models import (
    Account,
    Deal,
    StageKind,
    User,
)
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.search.conditions import (
    contacts_of,
    found_by,
    ordering,
    without_index,
    words_in,
)
from quarterdeck_crm.search.filters import Range, Ranges
from quarterdeck_crm.validation.numbers import row_id

SORTS: dict[str, Any] = {
    "name": Deal.name_key,
    "value": Deal.value,
    "expected": Deal.expected_on,
    "created": Deal.created_at,
}
RANGES = Ranges(
    (
        Range("expected", Deal.expected_on, _l("Expected on")),
        Range("value", Deal.value, _l("Value")),
        Range("created", Deal.created_at, _l("Added")),
    )
)
COLUMNS = {
    "account": _l("Account"),
    "stage": _l("Stage"),
    "expected": _l("Expected"),
    "owner": _l("Owner"),
    "probability": _l("Probability"),
    "value": _l("Value"),
}
FILTERS = ("state", "stage", "owner", "account", "person", "late", *RANGES.names, *EXTRA_FILTERS)


async def list_deals(
    session: AsyncSession, *, listing: Listing, actor: User | None = None
) -> Pagination[Deal]:
    """Return a page of deals with the names of their accounts, owners and stages.

    Filters: ``state`` is ``open``, ``won`` or ``lost``, open if not given; ``stage`` and
    ``account`` are ids; ``person`` is the id of a contact of any account; ``owner`` is ``me``,
    ``none`` or an id; ``late`` shows open deals whose expected day has passed. ``RANGES`` and
    ``extra_conditions`` are further filters.

    Raises:
        ValidationError: If a range cannot be read.
    """
    state = listing.filters.get("state")
    kind: Any = Deal.kind
    if any(row_id(listing.filters.get(name, "")) is not None for name in ("account", "person")):
        kind = without_index(kind)  # an account or a person has few of all deals
    statement = select(Deal).where(
        kind == (StageKind(state) if state in list(StageKind) else StageKind.OPEN),
        *await conditions(session, listing.q, listing.filters, actor),
    )
    by = ordering(listing, SORTS[listing.sort], Deal.id)
    names = (
        joinedload(Deal.account).load_only(Account.name),
        joinedload(Deal.owner).load_only(User.name),
        joinedload(Deal.stage),
    )
    return await paginate(session, statement.options(*names), listing, by=by, count=MAX_COUNTED)


async def conditions(
    session: AsyncSession, q: str, filters: Mapping[str, str], actor: User | None
) -> list[ColumnElement[bool]]:
    """Return the conditions of the list and of the board, but for the kind of the stage.

    Raises:
        ValidationError: If a range or a custom field cannot be read.
    """
    found: list[ColumnElement[bool]] = [
        or_(Deal.id.in_(found_by(word, Deal)), Deal.account_id.in_(found_by(word, Account)))
        for word in words_in(q)
    ]
    owner = filters.get("owner", "")
    if owner == "me" and actor is not None:
        found.append(Deal.owner_id == actor.id)
    elif owner == "none":
        found.append(Deal.owner_id.is_(None))
    columns = {"owner": Deal.owner_id, "stage": Deal.stage_id, "account": Deal.account_id}
    ids = {name: row_id(filters.get(name, "")) for name in columns}
    found += [columns[name] == id_ for name, id_ in ids.items() if id_ is not None]
    if (person_id := row_id(filters.get("person", ""))) is not None:
        found.append(Deal.contact_id.in_(contacts_of(person_id)))
    if filters.get("late"):
        found.append(Deal.expected_on < utc_now().date())
    found += await RANGES.conditions(filters, actor)
    return found + await extra_conditions(session, filters, Deal)
