"""Rules and queries of duplicates. ``actor`` is the user that acts; None is the system."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from quarterdeck.babel import gettext as _
from quarterdeck.sqlalchemy import Pagination
from quarterdeck_crm.accounts.services import FIELDS as ACCOUNT_FIELDS
from quarterdeck_crm.accounts.services import get_account
from quarterdeck_crm.errors import ForbiddenError, NotFoundError, ValidationError
from quarterdeck_crm.extras.definitions import FieldRow, cached_fields
from quarterdeck_crm.extras.values import PREFIX, read_values, store_values, value_of
from quarterdeck_crm.history.recording import (
    VERSION,
    Changes,
    assign,
    flush,
    record,
    require_version,
)
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.listing import MAX_COUNTED, Listing, paginate
from quarterdeck_crm.models import Account, Contact, DuplicatePair, Person, User
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.models.rows import changes_one
from quarterdeck_crm.people.parts import KINDS, MAX_ROWS, detail_key, details_of
from quarterdeck_crm.people.services import get_person, may_edit_person, require_edit_person
from quarterdeck_crm.permissions import may_edit, require_edit
from quarterdeck_crm.search.conditions import ordering
from quarterdeck_crm.search.duplicate_index import index_duplicates
from quarterdeck_crm.search.word_index import index_rows

from .moving import move_everything

Record = Account | Person
MODELS: dict[str, type[Account] | type[Person]] = {"account": Account, "person": Person}
SORTS = {"strength": DuplicatePair.strength}
GONE = _l("This pair is no longer in the list. One of the two may have changed or been merged.")
CONSENT = ("consent_given_on", "consent_how", "consent_withdrawn_on")
#: What can be chosen from either record: fields that belong together are one choice.
CHOICES: dict[str, dict[str, tuple[str, ...]]] = {
    "account": {name: (name,) for name in ACCOUNT_FIELDS},
    "person": {"name": ("name",), "birthday": ("birthday",), "consent": CONSENT},
}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two likely duplicates as the list shows them."""

    row: DuplicatePair
    first: Any
    second: Any

    @property
    def reasons(self) -> list[str]:
        return self.row.reasons.split()


async def list_pairs(
    session: AsyncSession, *, kind: str, listing: Listing
) -> tuple[Pagination[DuplicatePair], list[Pair]]:
    """Return a page of likely duplicates that nobody has dismissed, the likeliest first."""
    statement = select(DuplicatePair).where(
        DuplicatePair.subject_type == kind, DuplicatePair.dismissed_at.is_(None)
    )
    columns = DuplicatePair.strength, DuplicatePair.second_id, DuplicatePair.first_id
    by = ordering(listing, *columns)
    page = await paginate(session, statement, listing, by=by, count=MAX_COUNTED)
    ids = {id_ for row in page for id_ in (row.first_id, row.second_id)}
    rows = {row.id: row for row in await _read(session, kind, ids)}
    pairs = [
        Pair(row, rows[row.first_id], rows[row.second_id])
        for row in page
        if row.first_id in rows and row.second_id in rows
    ]
    return page, pairs


async def dismiss_pair(
    session: AsyncSession, *, actor: User | None, kind: str, ids: tuple[int, int]
) -> None:
    """Take a pair off the list for good: the two are not the same. Doing it twice is harmless.

    Raises:
        ForbiddenError: If the actor may edit neither of the two.
        NotFoundError: If the pair is not in the list.
    """
    first, second = [await get_record(session, kind, id_) for id_ in sorted(ids)]
    if not (may_edit_record(actor, first) or may_edit_record(actor, second)):
        raise ForbiddenError(
            _("Both belong to other users. Ask one of their owners or a moderator.")
        )
    statement = (
        update(DuplicatePair)
        .where(
            DuplicatePair.subject_type == kind,
            DuplicatePair.first_id == first.id,
            DuplicatePair.second_id == second.id,
        )
        .values(dismissed_at=utc_now(), dismissed_by_id=actor.id if actor else None)
    )
    if not await changes_one(session, statement):
        raise NotFoundError(GONE)


async def merge(
    session: AsyncSession,
    *,
    actor: User | None,
    kind: str,
    keep: tuple[int, int],
    other: tuple[int, int],
    take: Collection[str] = (),
) -> Record:
    """Let one record become part of another, with all that belongs to it.

    Its history, notes, files, orders, people, deals, tasks, tags and fields move; its address
    leads to the record that stays. Phone numbers and addresses of people are joined.

    Args:
        session: The db session.
        actor: The user that acts.
        kind: ``account`` or ``person``.
        keep: Id and version of the record that stays.
        other: Those of the one that becomes part of it.
        take: The choices of ``CHOICES`` and of ``custom_choices`` whose values come from the
            other one. A custom field that only one of them has stays without being named.

    Raises:
        ConflictError: If one of them was changed or merged since it was read.
        ForbiddenError: If the actor may not edit both.
        NotFoundError: If one of them is not there.
        ValidationError: If they are the same, ``take`` names no choice, or the one that stays is
            archived and the other in use.
    """
    own = await custom_choices(session, kind)
    _check_choices(kind, (keep[0], other[0]), take, own)
    kept, gone = await _lock_both(session, actor, kind, keep, other)
    fields = [field for name in take for field in CHOICES[kind].get(name, ())]
    values = {field: getattr(gone, field) for field in fields}
    changes: Changes = {}
    if isinstance(kept, Person) and isinstance(gone, Person):
        changes = _join_details(kept, gone)
        if gone.do_not_contact:
            values["do_not_contact"] = True  # a refusal holds, whichever of the two it was noted on
    # The conditional statements: the version of each row is compared by the database.
    code = await _give_up(session, gone, kept, is_code_taken="code" in take)
    version = kept.version
    changes = assign(kept, values) | changes
    kept.updated_at = utc_now()
    await flush(session, kept)
    if isinstance(gone, Account) and code:
        gone.code = code
        await flush(session, gone)
    changes |= await _take_fields(session, kept, gone, [own[name] for name in take if name in own])
    await move_everything(session, keep=kept, other=gone)
    _record_merge(session, actor, kept, gone, changes, version)
    await session.flush()
    await _index(session, kind, sorted((kept.id, gone.id)), kept)
    return await get_record(session, kind, kept.id)


def _check_choices(
    kind: str, ids: tuple[int, int], take: Collection[str], own: Collection[str]
) -> None:
    """Refuse to merge a record with itself, and choices that there are not."""
    if ids[0] == ids[1]:
        raise ValidationError({"other_id": [_("Choose two different records.")]})
    choices = [*CHOICES[kind], *own]
    if unknown := sorted(set(take) - set(choices)):
        problem = _("Choose one of %(words)s.", words=", ".join(choices))
        raise ValidationError({f"take-{name}": [problem] for name in unknown})


async def _lock_both(
    session: AsyncSession,
    actor: User | None,
    kind: str,
    keep: tuple[int, int],
    other: tuple[int, int],
) -> tuple[Record, Record]:
    """Lock and read two records that may be merged; return the one that stays first."""
    model, ids = MODELS[kind], sorted((keep[0], other[0]))
    # Both at once and in one order, so that two merges wait for each other and never in a circle.
    await session.execute(
        select(model.id).where(model.id.in_(ids)).order_by(model.id).with_for_update()
    )
    rows = {id_: await get_record(session, kind, id_) for id_ in ids}
    kept, gone = rows[keep[0]], rows[other[0]]
    for row, version in ((kept, keep[1]), (gone, other[1])):
        require_edit_record(actor, row)
        require_version(row, version)
    if kept.is_archived and not gone.is_archived:
        problem = _(
            "%(name)s is archived. Restore it first, or keep the other record.", name=kept.name
        )
        raise ValidationError({"other_id": [problem]})
    return kept, gone


def _record_merge(
    session: AsyncSession,
    actor: User | None,
    kept: Record,
    gone: Record,
    changes: Changes,
    version: int,
) -> None:
    """Add the merge to the history of both; ``version`` is the one before, of ``kept``."""
    if changes:
        changes |= {VERSION: version}
        record(session, actor=actor, subject=kept, action="changed", changes=changes)
    told = {"merged": [None, gone.name], VERSION: version}
    record(session, actor=actor, subject=kept, action="merged", changes=told)
    told = {"merged": [gone.name, kept.name], VERSION: gone.version}
    record(session, actor=actor, subject=gone, action="merged away", changes=told)


async def custom_choices(session: AsyncSession, kind: str) -> dict[str, FieldRow]:
    """Return the custom fields of a kind by the names under which they can be chosen."""
    return {f"{PREFIX}{field.key}": field for field in await cached_fields(session, kind)}


async def _take_fields(
    session: AsyncSession, kept: Record, gone: Record, fields: Sequence[FieldRow]
) -> Changes:
    """Give ``kept`` the values of some custom fields of ``gone``; return the changes.

    A field that ``gone`` has not stays as it is.
    """
    if not fields:
        return {}
    theirs = await read_values(session, gone.__tablename__, gone.id)
    values = {each: value_of(each, theirs[each.id]) for each in fields if each.id in theirs}
    changes = await store_values(session, kept.__tablename__, kept.id, values)
    await session.flush()
    return changes


def require_kind(kind: str) -> None:
    """Refuse a kind of which duplicates are not looked for.

    Raises:
        NotFoundError: If it is none of ``MODELS``.
    """
    if kind not in MODELS:
        raise NotFoundError(_("Only accounts and people can be compared."))


async def get_record(session: AsyncSession, kind: str, id_: int) -> Record:
    """Return an account or a person as it is now.

    Raises:
        MergedError: If it became part of another one.
        NotFoundError: If it is not there, or there is no such kind.
    """
    require_kind(kind)
    if kind == "account":
        return await get_account(session, account_id=id_)
    return await get_person(session, person_id=id_)


def may_edit_record(actor: User | None, row: Record) -> bool:
    return may_edit(actor, row) if isinstance(row, Account) else may_edit_person(actor, row)


def require_edit_record(actor: User | None, row: Record) -> None:
    if isinstance(row, Account):
        require_edit(actor, row)
    else:
        require_edit_person(actor, row)


async def _give_up(
    session: AsyncSession, gone: Record, kept: Record, *, is_code_taken: bool
) -> str | None:
    """Archive the record that goes, and return the code that it gets if its own one is taken.

    It keeps a code, so that files and programs that name it reach the record that stays.
    """
    gone.archived_at = gone.archived_at or utc_now()
    gone.merged_into_id = kept.id
    code: str | None = None
    if is_code_taken and isinstance(gone, Account) and isinstance(kept, Account):
        code, gone.code = kept.code, None
    gone.updated_at = utc_now()
    await flush(session, gone)
    return code


def _join_details(kept: Person, gone: Person) -> dict[str, Any]:
    """Add the numbers and addresses of one person to those of another; return the changes."""
    changes: dict[str, Any] = {}
    for kind in KINDS:
        before = details_of(kind, kept)
        known = {detail_key(row) for row in before}
        new = [row for row in details_of(kind, gone) if detail_key(row) not in known]
        if not new:
            continue
        if len(before) + len(new) > MAX_ROWS:
            problem = _(
                "Together they have more than %(count)s. Remove some first.", count=MAX_ROWS
            )
            raise ValidationError({kind.name: [problem]})
        place = max((row.position for row in getattr(kept, kind.name)), default=0)
        for position, row in enumerate(new, place + 1):
            getattr(kept, kind.name).append(kind.model(position=position, **row))
        changes[kind.name] = [before, before + new]
    return changes


async def _index(session: AsyncSession, kind: str, ids: Sequence[int], kept: Record) -> None:
    """Write the search words and the keys again that statements have changed."""
    connection = await session.connection()
    accounts = list(ids)
    if kind == "person":
        await connection.run_sync(index_rows, Person, ids)
        at = select(Contact.account_id).where(Contact.person_id == kept.id)
        accounts = list((await session.scalars(at)).all())
    if accounts:
        await connection.run_sync(index_rows, Account, accounts)
    await connection.run_sync(index_duplicates, MODELS[kind], ids)


async def _read(session: AsyncSession, kind: str, ids: Collection[int]) -> Sequence[Any]:
    if not ids:
        return ()
    if kind == "account":
        accounts = select(Account).where(Account.id.in_(ids))
        owner = joinedload(Account.owner).load_only(User.name)
        return (await session.scalars(accounts.options(owner))).all()
    people = (
        select(Person)
        .where(Person.id.in_(ids))
        .options(
            selectinload(Person.contacts).joinedload(Contact.account),
            selectinload(Person.phones),
            selectinload(Person.emails),
        )
    )
    return (await session.scalars(people)).all()
