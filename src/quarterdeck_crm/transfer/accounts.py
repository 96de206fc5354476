"""Importing accounts with their contacts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import selectinload

from quarterdeck_crm.history.recording import assign
from quarterdeck_crm.languages import marked as N_
from quarterdeck_crm.models import Account, Contact, Person
from quarterdeck_crm.models.collation import code_key
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.models.references import new_reference
from quarterdeck_crm.validation.numbers import MAX_INTEGER

from .csvfile import CSVFile, Row
from .extras import Wanted, wanted_in
from .importing import Import, Report, Source
from .tables import ACCOUNTS

_PLAIN = (
    "code", "name", "email", "phone", "website",
    "address", "city", "region", "postal_code", "country",
)  # fmt: skip
_REACHED_BY = (selectinload(Person.phones), selectinload(Person.emails))


@dataclass
class _Pass:
    """The rows seen so far, in all batches.

    Attributes:
        made: The codes of new accounts by their keys.
        contacts: How many contacts of a name an account had, by its key and the name.
    """

    made: dict[str, str | None] = field(default_factory=dict)
    contacts: Counter[tuple[str, str]] = field(default_factory=Counter)


async def import_accounts(task: Import, files: Sequence[Source]) -> Report:
    """Import a file of accounts; several rows of one account are several contacts of it.

    Accounts that are there already take the values of the file; columns that the file does
    not have stay as they are, and so do contacts that it does not name. A row of an account
    that was merged gives its contact to the one that stays, and changes nothing else.

    Raises:
        ImportRefusedError: If the file has any mistake.
    """
    file = await task.open(files[0], ACCOUNTS, Account)
    for _ in task.passes():
        seen = _Pass()
        async for batch in task.batches(file):
            async with task.portion():
                await _import(task, file, batch, seen)
    return task.report


async def _import(task: Import, file: CSVFile, batch: list[Row], seen: _Pass) -> None:
    here = await _find(task, batch)
    new: list[Account] = []
    present: set[str] = set()
    changed: set[str] = set()
    extras: dict[Account, Wanted] = {}
    keys: dict[Account, str] = {}
    for row in batch:
        code = row.values["code"]
        key = code_key(code) if code else row.values.get("reference")
        account = _match(task, file, row, here)
        if key is None or account is None:
            continue
        written = seen.made.get(key) or account.code
        if code and written and written != code and code_key(written) == key:
            task.other_spelling(file, row, written)
            continue
        if account.version is None and key not in seen.made:
            seen.made[key] = code
            new.append(account)
        if key in here.merged and key not in present:
            task.report.merged += 1
        present.add(key)
        keys[account] = key
        if key not in here.merged:  # the values of both were compared when they were merged
            extras[account] = wanted_in(row.values)
            if await _fill(task, file, row, account):
                changed.add(key)
        if _fill_contact(task, file, row, account, here, seen.contacts, key):
            changed.add(key)
    people = [person.reference for person in here.people.values() if person not in here.known]
    await task.add(new)
    for account in await task.write_extras(Account, extras):
        if account not in new:
            account.updated_at = utc_now()  # a new version of the account
        changed.add(keys[account])
    task.report.updated += len(changed - seen.made.keys())
    task.report.unchanged += len(present - changed - seen.made.keys())
    if people and not task.is_check:
        await task.session.flush()
        ids = await task.ids_by(people, Person.reference, Person.id)
        await task.record_imported(Person, ids.values())


class _Here(NamedTuple):
    """The accounts and people that are here already, or come with the batch."""

    by_code: dict[str, Account]
    by_reference: dict[str, Account]
    people: dict[str, Person]
    known: set[Person]
    merged: set[str | None]  # the keys of accounts that became part of another one
    gone: set[str]  # the references of people who became part of another one, who is in ``people``


async def _find(task: Import, batch: list[Row]) -> _Here:
    codes = {code_key(row.values["code"]) for row in batch if row.values["code"]}
    references = {row.values.get("reference") for row in batch} - {None}
    present = select(Account).where(
        or_(Account.code_key.in_(codes), Account.reference.in_(references))
    )
    accounts = (await task.session.scalars(_held(task, present))).all()
    staying = await _staying(task, accounts)
    named = {row.values.get("contact_reference") for row in batch} - {None}
    found_people = await task.session.scalars(
        task.held(select(Person).where(Person.reference.in_(named)).options(*_REACHED_BY))
    )
    people = {person.reference: person for person in found_people}
    into = {each.merged_into_id for each in people.values()} - {None}
    staying_people = await task.session.scalars(
        task.held(select(Person).where(Person.id.in_(into)).options(*_REACHED_BY))
    )
    by_id = {person.id: person for person in staying_people}
    gone = {name for name, each in people.items() if each.merged_into_id is not None}
    people |= {name: by_id[people[name].merged_into_id or 0] for name in gone}
    return _Here(
        {each.code_key: staying.get(each.id, each) for each in accounts if each.code_key},
        {each.reference: staying.get(each.id, each) for each in accounts},
        people,
        {*people.values()},
        {key for each in accounts if each.id in staying for key in (each.code_key, each.reference)},
        gone,
    )


async def _staying(task: Import, accounts: Sequence[Account]) -> dict[int, Account]:
    """Return by the ids of accounts that were merged the ones that stay."""
    ids = {each.id: each.merged_into_id for each in accounts if each.merged_into_id is not None}
    if not ids:
        return {}
    found = _held(task, select(Account).where(Account.id.in_(ids.values())))
    by_id = {each.id: each for each in await task.session.scalars(found)}
    return {id_: by_id[into] for id_, into in ids.items()}


def _held(task: Import, accounts: Select[Account]) -> Select[Account]:
    """Return accounts with their contacts, which the portion may change."""
    contacts = selectinload(Account.contacts).joinedload(Contact.person).options(*_REACHED_BY)
    return task.held(accounts.options(contacts), changes=True)


def _match(task: Import, file: CSVFile, row: Row, here: _Here) -> Account | None:
    """Return the account of a row, a new one if need be; None if the row is a mistake."""
    code, reference = row.values["code"], row.values.get("reference")
    if code is None and reference is None:
        text = N_("'code' is empty. Enter a code; only exported files name accounts by 'reference'")
        task.mistakes.add(file.name, row.line, text)
        return None
    by_code = here.by_code.get(code_key(code or ""))
    by_reference = here.by_reference.get(reference or "")
    if by_code and by_reference and by_code is not by_reference:
        text = N_(
            "'code' is '%(code)s' and 'reference' is '%(reference)s', but these are two accounts"
        )
        named = {"code": code or "", "reference": reference or ""}
        task.mistakes.add(file.name, row.line, text, **named)
        return None
    account = by_code or by_reference
    if account is None:
        account = Account(name="", contacts=[])
        if reference:
            account.reference = reference
    if code:
        here.by_code[code_key(code)] = account
    if reference:
        here.by_reference[reference] = account
    return account


async def _fill(task: Import, file: CSVFile, row: Row, account: Account) -> bool:
    values: dict[str, Any] = {name: row.values[name] for name in _PLAIN if name in row.values}
    if "owner" in row.values:
        values["owner_id"] = await task.owner_id(file, row)
    if "archived" in row.values and row.values["archived"] != account.is_archived:
        values["archived_at"] = utc_now() if row.values["archived"] else None
    return bool(assign(account, values))


def _fill_contact(
    task: Import,
    file: CSVFile,
    row: Row,
    account: Account,
    here: _Here,
    contacts: Counter[tuple[str, str]],
    key: str,
) -> bool:
    values = {
        name.removeprefix("contact_"): value
        for name, value in row.values.items()
        if name.startswith("contact_")
    }
    if not any(values.values()):
        return False
    name = values.get("name")
    if not name:
        text = N_("has details of a contact but no 'contact_name'")
        task.mistakes.add(file.name, row.line, text)
        return False
    if reference := values.pop("reference", None):
        place, person = 0, here.people.get(reference)
        present = person.reference if person else reference
        same = [each for each in account.contacts if each.person.reference == present]
        if reference in here.gone:  # the values of both were compared when they were merged
            values = {"title": values["title"]} if "title" in values and not same else {}
    else:
        # Two people of one account may have the same name: the second row is the second one.
        place, person = contacts[key, name], None
        contacts[key, name] += 1
        same = [contact for contact in account.contacts if contact.name == name]
        same.sort(key=lambda contact: contact.id or MAX_INTEGER)
    if place < len(same):
        changed = bool(assign(same[place], values))
        if changed and same[place].id is not None:
            same[place].person.updated_at = utc_now()  # a new version of the person
        return changed
    if person is None:
        person = Person(reference=reference or new_reference(), phones=[], emails=[], addresses=[])
        here.people[person.reference] = person
    contact = Contact(person=person)
    assign(contact, values)
    account.contacts.append(contact)
    return True
