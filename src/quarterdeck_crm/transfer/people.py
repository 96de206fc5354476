"""Importing people with their phone numbers, addresses and accounts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload, selectinload

from quarterdeck_crm.history.recording import assign
from quarterdeck_crm.languages import marked as N_
from quarterdeck_crm.models import Contact, Person, PersonEmail
from quarterdeck_crm.models.collation import same_key, sort_key
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.models.references import new_reference
from quarterdeck_crm.people.parts import (
    KINDS,
    MAX_ROWS,
    Kind,
    check_details,
    detail_key,
    details_of,
    replace_details,
)
from quarterdeck_crm.people.services import FIELDS, check_days
from quarterdeck_crm.validation import Problems, longest

from .csvfile import CSVFile, Row, without_last
from .extras import Wanted, wanted_in
from .importing import Import, Report, Source
from .tables import PEOPLE, PERSON_COLUMNS
from .texts import RULE, Text

UNKNOWN = N_(
    "has no 'reference', 'email' or 'account' by which the person could be found again. Fill one"
)
_LOADED = (
    selectinload(Person.contacts),
    selectinload(Person.phones),
    selectinload(Person.emails),
    selectinload(Person.addresses),
)
Identity = str | tuple[str, str | int]


@dataclass
class _Pass:
    """The rows seen so far, in all batches.

    Attributes:
        references: Those by which the file names people.
        made: The identities of new people.
        mains: By account, the reference of its main contact.
    """

    references: set[str] = field(default_factory=set)
    made: set[Identity] = field(default_factory=set)
    mains: dict[int, str] = field(default_factory=dict)


@dataclass
class _Batch:
    """The people that the rows of a batch may mean, and what becomes of them.

    Attributes:
        accounts: The ids of accounts by their codes and references.
        found: The people by their identities.
        new: Those that are not here yet.
        met: Those that are, and that the file names.
        changed: Those of them that differ from the file.
        mains: By account, the contact that becomes its main one.
        extras: The tags and custom fields of each.
        merged: The identities of merged people; ``found`` has the person they became part of.
    """

    accounts: dict[str, int]
    found: dict[Identity, Person] = field(default_factory=dict)
    new: list[Person] = field(default_factory=list)
    met: set[Person] = field(default_factory=set)
    changed: set[Person] = field(default_factory=set)
    mains: dict[int, Contact] = field(default_factory=dict)
    extras: dict[Person, Wanted] = field(default_factory=dict)
    merged: set[Identity] = field(default_factory=set)

    def add(self, person: Person) -> None:
        """Let later rows find a person."""
        self.found[person.reference] = person
        for identity in _identities(person.name, person):
            self.found.setdefault(identity, person)

    def follow(self, gone: Person, staying: Person) -> None:
        """Let rows of a merged person find the survivor."""
        for identity in (gone.reference, *_identities(gone.name, staying)):
            if identity not in self.found:
                self.found[identity] = staying
                self.merged.add(identity)


def _identities(name: str, person: Person) -> Iterator[Identity]:
    """Yield the identities under a name that do not need the reference of the person."""
    key = same_key(name)
    for email in person.emails:
        yield key, email.email
    for contact in person.contacts:
        yield key, contact.account_id


async def import_people(task: Import, files: Sequence[Source]) -> Report:
    """Import a file of people; several rows with one reference are one person.

    A person that is named by its reference gets exactly the phone numbers, addresses and
    accounts of its rows. Without a reference, a person is found by name and e-mail address, or
    by name and account, and the row adds to what is there. Columns that the file does not have
    stay as they are. The rows of a merged person add phone numbers, addresses and
    accounts to the survivor, and change nothing else.

    Raises:
        ImportRefusedError: If the file has any mistake.
    """
    file = await task.open(files[0], PEOPLE, Person)
    for _pass in task.passes():
        seen = _Pass()
        rest: list[Row] = []
        async for batch in task.batches(file):
            whole, rest = without_last([*rest, *batch])
            async with task.portion():
                await _import(task, file, whole, seen)
        async with task.portion():
            await _import(task, file, rest, seen)
    return task.report


async def _import(task: Import, file: CSVFile, rows: list[Row], seen: _Pass) -> None:
    if not rows:
        return
    batch = await _find(task, rows)
    for _key, group in groupby(rows, key=lambda row: row.values.get("reference") or row.line):
        _take(task, file, [*group], batch, seen)
    await task.add(batch.new)
    batch.changed |= await task.write_extras(Person, batch.extras) & batch.met
    old = {person for person in batch.met if person.reference not in seen.made}
    task.report.updated += len(old & batch.changed)
    task.report.unchanged += len(old - batch.changed)
    if not task.is_check:
        for person in batch.changed:
            person.updated_at = utc_now()  # a new version, also if only details changed
        await _set_mains(task, batch)


async def _find(task: Import, rows: list[Row]) -> _Batch:
    given = [row.values for row in rows]
    batch = _Batch(await task.account_ids({values["account"] for values in given if _at(values)}))
    plain = [values for values in given if not values.get("reference")]
    emails = {values["email"] for values in plain if values.get("email")}
    names = {sort_key(values["name"], longest(Person.name)) for values in plain}
    ids = {batch.accounts.get(values["account"], 0) for values in plain if _at(values)}
    by_email = select(PersonEmail.person_id).where(PersonEmail.email.in_(emails))
    at_account = select(Contact.person_id).where(Contact.account_id.in_(ids))
    found = await task.session.scalars(
        select(Person)
        .where(
            or_(
                Person.reference.in_({values.get("reference") for values in given} - {None}),
                Person.id.in_(by_email),
                Person.name_key.in_(names) & Person.id.in_(at_account),
            )
        )
        .options(*_LOADED)
        .order_by(Person.id)
    )
    merged: Sequence[Person] = ()
    if names:
        # SQLite reads an index for the comparison, not for IS NOT NULL.
        into = Person.merged_into_id > 0, Person.name_key.in_(names)
        merged = (await task.session.scalars(select(Person).where(*into))).all()
    people = dict.fromkeys([*found, *merged])
    gone = {person: person.merged_into_id for person in people if person.merged_into_id is not None}
    staying = await task.session.scalars(
        select(Person).where(Person.id.in_(gone.values())).options(*_LOADED)
    )
    by_id = {person.id: person for person in [*people, *staying]}
    for person in by_id.values():
        if person not in gone:
            batch.add(person)
    for person, into_id in gone.items():
        batch.follow(person, by_id[into_id])
    return batch


def _at(values: dict[str, Any]) -> str | None:
    account: str | None = values.get("account")
    return account


def _take(task: Import, file: CSVFile, rows: list[Row], batch: _Batch, seen: _Pass) -> None:
    """Compare the rows of one person with what is there."""
    first = rows[0]
    identity = _identity(first, batch)
    if identity is None:
        task.mistakes.add(file.name, first.line, UNKNOWN)
        return
    by_reference = isinstance(identity, str)
    if isinstance(identity, str):
        if identity in seen.references:
            text = N_("'reference' %(word)s stands elsewhere in the file. Put its lines together")
            task.mistakes.add(file.name, first.line, text, word=identity)
            return
        seen.references.add(identity)
    person = batch.found.get(identity)
    is_new = person is None
    if person is None:
        reference = identity if isinstance(identity, str) else new_reference()
        person = Person(
            reference=reference, name="", phones=[], emails=[], addresses=[], contacts=[]
        )
        if identity not in seen.made:
            batch.new.append(person)
        seen.made |= {identity, reference}
    elif person not in batch.new:
        batch.met.add(person)
    if identity in batch.merged:
        task.report.merged += 1
        if _join(task, file, rows, person, batch, seen):
            batch.changed.add(person)
        return
    batch.extras[person] = wanted_in(first.values)
    changed = _fill(task, file, first, person)
    for kind in KINDS:
        changed |= _fill_details(task, file, rows, person, kind, exactly=by_reference)
    if "account" in first.values:
        changed |= _fill_places(task, file, rows, person, batch, seen, exactly=by_reference)
    if is_new:
        batch.add(person)
    elif changed and person in batch.met:
        batch.changed.add(person)


def _join(
    task: Import, file: CSVFile, rows: list[Row], person: Person, batch: _Batch, seen: _Pass
) -> bool:
    """Add what the rows of a merged person have to the survivor.

    The single values of both were compared when they were merged; only a refusal holds.
    """
    changed = False
    if any(row.values.get("do_not_contact") for row in rows):
        changed |= bool(assign(person, {"do_not_contact": True}))
    for kind in KINDS:
        changed |= _fill_details(task, file, rows, person, kind, exactly=False, by_key=True)
    present = {contact.account_id for contact in person.contacts}
    new = [row for row in rows if batch.accounts.get(_at(row.values) or "") not in present]
    if new and "account" in new[0].values:
        changed |= _fill_places(task, file, new, person, batch, seen, exactly=False)
    return changed


def _identity(row: Row, batch: _Batch) -> Identity | None:
    values = row.values
    if reference := values.get("reference"):
        return str(reference)
    name = same_key(values["name"])
    if email := values.get("email"):
        return name, str(email)
    if account := _at(values):
        return name, batch.accounts.get(account, 0)
    return None


def _fill(task: Import, file: CSVFile, row: Row, person: Person) -> bool:
    values: dict[str, Any] = {name: row.values[name] for name in FIELDS if name in row.values}
    if "archived" in row.values and row.values["archived"] != person.is_archived:
        values["archived_at"] = utc_now() if row.values["archived"] else None
    problems = Problems()
    check_days(problems, values, person)
    for name, texts in problems.errors.items():
        task.mistakes.add(file.name, row.line, RULE, field=name, text=Text(texts[0]))
    if person.do_not_contact is None:
        person.do_not_contact = False
    return bool(assign(person, values))


def _fill_details(
    task: Import,
    file: CSVFile,
    rows: list[Row],
    person: Person,
    kind: Kind,
    *,
    exactly: bool,
    by_key: bool = False,
) -> bool:
    """Fill the details of one kind.

    Args:
        task: The import.
        file: The file.
        rows: Those of the person.
        person: The person.
        kind: The kind of the details.
        exactly: Whether those that the rows do not have are removed.
        by_key: Whether a detail is the same in another spelling, or under another label.
    """
    columns = PERSON_COLUMNS[kind.name]
    if not any(column in rows[0].values for column in columns.values()):
        return False
    present = [] if exactly else details_of(kind, person)
    entries: list[dict[str, Any]] = [*present]
    lines = [rows[0].line] * len(present)
    for row in rows:
        entry = {name: row.values.get(column) for name, column in columns.items()}
        if any(entry[name] for name in kind.fields):
            entry["label"] = entry["label"] or kind.labels[0].value
            known = [*map(detail_key, entries)] if by_key else []
            if exactly or (entry not in present and detail_key(entry) not in known):
                entries.append(entry)
                lines.append(row.line)
    problems = Problems()
    cleaned = check_details(problems, kind, entries, person)
    for name, texts in problems.errors.items():
        place = name.split("-")
        line = lines[int(place[1])] if len(place) > 1 else rows[0].line
        column = columns[kind.fields[0]]
        task.mistakes.add(file.name, line, RULE, field=column, text=Text(texts[0]))
    return bool(not problems.errors and replace_details(kind, person, cleaned))


def _fill_places(
    task: Import,
    file: CSVFile,
    rows: list[Row],
    person: Person,
    batch: _Batch,
    seen: _Pass,
    *,
    exactly: bool,
) -> bool:
    present = {contact.account_id: contact for contact in person.contacts}
    wanted: dict[int, Row] = {}
    for row in rows:
        if not (account := _at(row.values)):
            continue
        if (account_id := batch.accounts.get(account)) is None:
            text = N_("'account' is '%(code)s', but there is no account of this code")
            task.mistakes.add(file.name, row.line, text, code=account)
        elif account_id in wanted:
            text = N_("'account' %(code)s stands here twice")
            task.mistakes.add(file.name, row.line, text, code=account)
        else:
            wanted[account_id] = row
    if len(wanted) > MAX_ROWS:
        text = N_("has more than %(count)s accounts")
        task.mistakes.add(file.name, rows[0].line, text, count=MAX_ROWS)
    changed = False
    for account_id, contact in present.items():
        if exactly and account_id not in wanted:
            person.contacts.remove(contact)
            changed = True
    for account_id, row in wanted.items():
        place = present.get(account_id)
        if place is None:
            place = Contact(account_id=account_id)
            person.contacts.append(place)
            changed = True
        if "account_title" in row.values:
            changed |= bool(assign(place, {"title": row.values["account_title"]}))
        if "main_contact" in row.values:
            changed |= _choose_main(task, file, row, place, batch, seen)
    return changed


def _choose_main(
    task: Import, file: CSVFile, row: Row, contact: Contact, batch: _Batch, seen: _Pass
) -> bool:
    is_main, account_id = bool(row.values["main_contact"]), contact.account_id
    if is_main:
        reference = contact.person.reference
        if seen.mains.setdefault(account_id, reference) != reference:
            text = N_("account %(code)s has another main contact in this file")
            task.mistakes.add(file.name, row.line, text, code=row.values["account"])
        if not contact.is_main:
            batch.mains[account_id] = contact
    elif contact.is_main:
        contact.main = None
    else:
        return False
    return not is_main or account_id in batch.mains


async def _set_mains(task: Import, batch: _Batch) -> None:
    """Set the main contacts, after those that were it before have given way."""
    if not batch.mains:
        return
    holders = await task.session.scalars(
        select(Contact)
        .where(Contact.account_id.in_(batch.mains), Contact.main.is_(True))
        .options(joinedload(Contact.person))
    )
    for holder in holders.all():
        holder.main = None
        holder.person.updated_at = utc_now()
    await task.session.flush()
    for contact in batch.mains.values():
        contact.main = True
