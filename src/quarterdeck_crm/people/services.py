"""Rules and queries of people. ``actor`` is the user that acts; None is the system."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from quarterdeck.babel import gettext as _
from quarterdeck.sqlalchemy import Pagination
from quarterdeck_crm.audit.recording import record_audit
from quarterdeck_crm.errors import ForbiddenError, MergedError, NotFoundError
from quarterdeck_crm.extras.records import FILTERS as EXTRA_FILTERS
from quarterdeck_crm.extras.records import (
    check_extras,
    extra_conditions,
    take_extras,
    write_extras,
)
from quarterdeck_crm.history.recording import (
    flush,
    forget,
    record,
    require_version,
    set_archived,
    store,
)
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import Account, AuditAction, Contact, Person, Role, User
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.permissions import may_edit, require_role
from quarterdeck_crm.search.conditions import ordering
from quarterdeck_crm.search.filters import Range, Ranges
from quarterdeck_crm.search.paging import paginate_found
from quarterdeck_crm.validation import Problems
from quarterdeck_crm.validation.numbers import row_id

from .parts import KINDS, PLACES, check_details, check_places, replace_details
from .places import set_places

FIELDS = (
    "name",
    "birthday",
    "do_not_contact",
    "consent_given_on",
    "consent_how",
    "consent_withdrawn_on",
)
SORTS: dict[str, Any] = {"name": Person.name_key, "created": Person.created_at}
RANGES = Ranges((Range("created", Person.created_at, _l("Added")),))
COLUMNS = {
    "accounts": _l("Accounts"),
    "email": _l("E-mail"),
    "phone": _l("Phone"),
    "created": _l("Added"),
}
FILTERS = ("account", "contact", "archived", *RANGES.names, *EXTRA_FILTERS)
GONE = _l("There is no such person. The record may have been deleted.")
NOT_YOURS = _l(
    "This person belongs to accounts of other users. Ask one of their owners or a moderator to "
    "change it."
)
IN_FUTURE = _l("Enter a day that is not in the future.")
NO_CONSENT_DAY = _l("Enter the day on which the consent was given.")


async def list_people(
    session: AsyncSession, *, listing: Listing, actor: User | None = None
) -> Pagination[Person]:
    """Return a page of people with their accounts, phone numbers and e-mail addresses.

    Filters: ``account`` is an id; ``contact`` is ``no`` for people that must not be contacted, or
    ``yes`` for the others; ``archived`` shows those put away instead of those in use.
    ``RANGES`` are further filters; days are those of the actor.

    Raises:
        ValidationError: If a range cannot be read.
    """
    archived, is_whole = Person.archived_at.is_not(None), Person.merged_into_id.is_(None)
    statement = (
        select(Person)
        .where(archived & is_whole if listing.filters.get("archived") else ~archived)
        .where(*await extra_conditions(session, listing.filters, Person))
        .where(*await RANGES.conditions(listing.filters, actor))
        .options(
            selectinload(Person.contacts)
            .joinedload(Contact.account)
            .load_only(Account.name, Account.owner_id),
            selectinload(Person.phones),
            selectinload(Person.emails),
        )
    )
    if account := listing.filters.get("account"):
        at = select(Contact.person_id).where(Contact.account_id == (row_id(account) or 0))
        statement = statement.where(Person.id.in_(at))
    if contact := listing.filters.get("contact"):
        statement = statement.where(Person.do_not_contact == (contact == "no"))
    by = ordering(listing, SORTS[listing.sort], Person.id)
    return await paginate_found(session, statement, listing, model=Person, by=by)


async def get_person(session: AsyncSession, *, person_id: int) -> Person:
    """Return a person as it is now, with accounts, phone numbers and addresses.

    Raises:
        MergedError: If the record became part of another one.
        NotFoundError: If there is none of that id.
    """
    statement = (
        select(Person)
        .where(Person.id == person_id)
        .options(
            selectinload(Person.contacts).joinedload(Contact.account),
            selectinload(Person.phones),
            selectinload(Person.emails),
            selectinload(Person.addresses),
        )
        .execution_options(populate_existing=True)
    )
    person = await session.scalar(statement)
    if person is None:
        raise NotFoundError(str(GONE))
    if person.merged_into_id is not None:
        raise MergedError("person", person.merged_into_id)
    return person


def may_edit_person(actor: User | None, person: Person) -> bool:
    """Whether the actor may change a person.

    Users may if they may edit one of the person's accounts, or if there is no account.
    """
    accounts = [contact.account for contact in person.contacts]
    return not accounts or any(may_edit(actor, account) for account in accounts)


def require_edit_person(actor: User | None, person: Person) -> None:
    """Refuse changes that ``may_edit_person`` does not allow.

    Raises:
        ForbiddenError: If all accounts of the person belong to other users.
    """
    if not may_edit_person(actor, person):
        raise ForbiddenError(str(NOT_YOURS))


async def create_person(
    session: AsyncSession, *, actor: User | None, values: Mapping[str, Any]
) -> Person:
    """Add a person.

    Args:
        session: The db session.
        actor: The user that acts.
        values: The fields, and lists of mappings for ``phones``, ``emails``, ``addresses`` and
            ``accounts``.

    Raises:
        ForbiddenError: If the actor may not edit one of the accounts.
        ValidationError: If a value cannot be accepted.
    """
    cleaned = await check_person(session, values=values)
    plain = {name: cleaned[name] for name in FIELDS if name in cleaned}
    person = Person(**plain, phones=[], emails=[], addresses=[], contacts=[])
    for kind in KINDS:
        replace_details(kind, person, cleaned.get(kind.name, ()))
    session.add(person)
    await flush(session, person)
    await set_places(session, actor=actor, person=person, places=cleaned.get(PLACES, ()))
    await flush(session, person)
    await write_extras(session, person, take_extras(cleaned))
    record(session, actor=actor, subject=person, action="created")
    return person


async def update_person(
    session: AsyncSession,
    *,
    actor: User | None,
    person: Person,
    values: Mapping[str, Any],
    version: int,
) -> Person:
    """Change a person that was read at ``version``; names not in ``values`` stay.

    Lists replace those that are there.

    Raises:
        ConflictError: If another save came after that version.
        ForbiddenError: If the actor may not edit the person, or an account that comes or goes.
        ValidationError: If a value cannot be accepted.
    """
    require_edit_person(actor, person)
    require_version(person, version)
    cleaned = await check_person(session, values=values, person=person)
    changes = await write_extras(session, person, take_extras(cleaned))
    for kind in KINDS:
        if kind.name in cleaned:
            changes |= replace_details(kind, person, cleaned[kind.name])
    kept = [contact.account for contact in person.contacts]
    if PLACES in cleaned:
        changes |= await set_places(session, actor=actor, person=person, places=cleaned[PLACES])
    plain = {name: cleaned[name] for name in FIELDS if name in cleaned}
    if await store(session, actor=actor, row=person, values=plain, also=changes):
        present = {contact.account_id for contact in person.contacts}
        tell_accounts(
            session, actor, person, [account for account in kept if account.id in present]
        )
    return person


def tell_accounts(
    session: AsyncSession, actor: User | None, person: Person, accounts: Iterable[Account]
) -> None:
    """Note a change of a person in the history of some accounts."""
    changes = {"contact": [None, person.name]}
    for account in accounts:
        record(session, actor=actor, subject=account, action="contact changed", changes=changes)


async def archive_person(session: AsyncSession, *, actor: User | None, person: Person) -> None:
    """Put a person away; lists and searches no longer show it. Doing it twice changes nothing.

    Raises:
        ForbiddenError: If the actor may not edit the person.
    """
    require_edit_person(actor, person)
    await set_archived(session, actor=actor, row=person, archived=True)


async def restore_person(session: AsyncSession, *, actor: User | None, person: Person) -> None:
    """Take a person back into use. Doing it twice changes nothing.

    Raises:
        ForbiddenError: If the actor may not edit the person.
    """
    require_edit_person(actor, person)
    await set_archived(session, actor=actor, row=person, archived=False)


async def delete_person(session: AsyncSession, *, actor: User | None, person: Person) -> None:
    """Delete the data of a person and its history, as the law lets a person demand.

    The histories of its accounts keep the name; the audit log keeps only the id.

    Raises:
        ForbiddenError: If the actor is no moderator.
    """
    require_role(actor, Role.MODERATOR)
    changes = {"contact": [person.name, None]}
    for contact in person.contacts:
        record(
            session,
            actor=actor,
            subject=contact.account,
            action="contact removed",
            changes=changes,
        )
    await record_audit(session, AuditAction.DELETED, actor=actor, subject=f"person {person.id}")
    # Records that became part of this one hold data of the same person.
    merged = select(Person).where(Person.merged_into_id == person.id)
    loaded = (selectinload(each) for each in (Person.contacts, Person.phones, Person.emails))
    parts = await session.scalars(merged.options(*loaded, selectinload(Person.addresses)))
    for part in parts.all():
        await forget(session, part)
        await session.delete(part)
    await flush(session, person)
    await forget(session, person)
    await session.delete(person)
    await flush(session, person)


async def check_person(
    session: AsyncSession, *, values: Mapping[str, Any], person: Person | None = None
) -> dict[str, Any]:
    """Return values that a person can have.

    Args:
        session: The db session.
        values: The entries; for a new person all of them.
        person: The person that is edited.

    Raises:
        ValidationError: With the problems of all values at once.
    """
    problems = Problems()
    cleaned = problems.clean(Person, values, fields=FIELDS, complete=person is None, row=person)
    check_days(problems, cleaned, person)
    for kind in KINDS:
        if kind.name in values:
            entries = values[kind.name] or ()
            cleaned[kind.name] = check_details(problems, kind, entries, person)
    if PLACES in values:
        cleaned[PLACES] = await check_places(session, problems, values[PLACES] or ())
    cleaned |= await check_extras(session, problems, values, Person, person)
    problems.raise_if_any()
    return cleaned


def check_days(problems: Problems, cleaned: Mapping[str, Any], person: Person | None) -> None:
    """Keep the problems of the days of a person: birthday, and consent given and withdrawn."""

    def now(name: str) -> Any:
        return cleaned[name] if name in cleaned else getattr(person, name, None)

    tomorrow = utc_now().date() + timedelta(days=1)  # somewhere it is tomorrow already
    for name in ("birthday", "consent_given_on", "consent_withdrawn_on"):
        if (day := cleaned.get(name)) and day > tomorrow:
            problems.add(name, str(IN_FUTURE))
    given, withdrawn = now("consent_given_on"), now("consent_withdrawn_on")
    if given is None and (withdrawn or now("consent_how")):
        problems.add("consent_given_on", str(NO_CONSENT_DAY))
    if given and withdrawn and withdrawn < given:
        problems.add("consent_withdrawn_on", _("Enter a day that is not before the consent."))
