"""Records that a new one may repeat: warned of while it is typed, and once when it is saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import Account, Label, Person

from .duplicate_index import (
    MAX_SHARED,
    Subject,
    account_keys,
    person_keys,
    reasons_of,
    sharing,
)

MAX_SHOWN = 5
MAX_TYPED = 20  # e-mail addresses and numbers of one form
ANYWAY = "anyway"  # the field of a form that was warned already
REASONS = {
    "name": _l("Same name"),
    "mail": _l("Same e-mail or website"),
    "phone": _l("Same phone number"),
}


@dataclass(frozen=True, slots=True)
class Similar:
    """A record that may be the same; ``reasons`` are keys of ``REASONS``."""

    id: int
    name: str
    reasons: list[str]

    @property
    def words(self) -> list[str]:
        return [str(REASONS[reason]) for reason in self.reasons]


class SimilarFoundError(Exception):
    """A new record seems to exist already; nothing was saved."""

    def __init__(self, found: Sequence[Similar]) -> None:
        super().__init__(*(row.name for row in found))
        self.found = found


async def similar_accounts(
    session: AsyncSession, values: Mapping[str, Any], *, apart_from: int | None = None
) -> list[Similar]:
    """Return accounts in use with the same name, mail domain or phone number."""
    return await _find(session, Account, account_keys(values), apart_from)


async def similar_people(
    session: AsyncSession,
    *,
    name: str | None,
    emails: Iterable[str | None],
    phones: Iterable[str | None],
    apart_from: int | None = None,
) -> list[Similar]:
    """Return people in use with the same name or address, or with a number of their own."""
    numbers = [(Label.MOBILE.value, number) for number in phones]
    return await _find(session, Person, person_keys(name, emails, numbers), apart_from)


async def _find(
    session: AsyncSession, model: Subject, keys: set[str], apart_from: int | None
) -> list[Similar]:
    if not keys:
        return []
    holders = await (await session.connection()).run_sync(sharing, model, keys)
    shared: dict[int, set[str]] = {}
    for key, ids in holders.items():
        if len(ids) <= MAX_SHARED:
            for id_ in ids - {apart_from}:
                shared.setdefault(id_, set()).add(key)
    reasons = {id_: reasons_of(found) for id_, found in shared.items()}
    best = sorted(reasons, key=lambda id_: (-len(reasons[id_]), id_))[:MAX_SHOWN]
    if not best:
        return []
    rows = await session.execute(select(model.id, model.name).where(model.id.in_(best)))
    names = {row.id: row.name for row in rows}
    return [Similar(id_, names[id_], reasons[id_]) for id_ in best if id_ in names]
