"""The keys of accounts and people, and the pairs that share some; kept like the search words.

They follow every flush of the ORM. Code that writes with ``insert()`` or ``update()`` calls
``index_duplicates`` afterwards. Only records in use have keys.

Two transactions that write the same name at the same moment do not see each other's keys: such
a pair appears when one of the two is saved again, or with ``crm search rebuild``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, delete, event, insert, inspect, select
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.orm import Session

from quarterdeck_crm.models import (
    Account,
    DuplicateKey,
    DuplicatePair,
    Label,
    Person,
    PersonEmail,
    PersonPhone,
)

from .keys import domain_key, mail_key, name_key, person_name_key, phone_key

Subject = type[Account] | type[Person]
SUBJECTS: tuple[Subject, ...] = (Account, Person)
WATCHED: dict[Subject, tuple[str, ...]] = {
    Account: ("name", "email", "phone", "website", "archived_at"),
    Person: ("name", "emails", "phones", "archived_at"),
}
# Numbers that a person has alone: colleagues share the one at work.
OWN_NUMBERS = (Label.MOBILE, Label.HOME)
MAX_SHARED = 20  # records with one key; if there are more, the key says nothing
BATCH = 500
REASONS = ("name", "mail", "phone")


def account_keys(values: Mapping[str, Any]) -> set[str]:
    """Return the keys of an account with these fields."""
    mails = {domain_key(values.get("email")), domain_key(values.get("website"))}
    return _keys({name_key(values.get("name"))}, mails, {phone_key(values.get("phone"))})


def person_keys(
    name: str | None, emails: Iterable[str | None], phones: Iterable[tuple[str, str | None]]
) -> set[str]:
    """Return the keys of a person; ``phones`` are pairs of a label and a number."""
    numbers = {phone_key(number) for label, number in phones if label in OWN_NUMBERS}
    return _keys({person_name_key(name)}, {mail_key(email) for email in emails}, numbers)


def sharing(connection: Connection, model: Subject, keys: Collection[str]) -> dict[str, set[int]]:
    """Return the ids of the records that have some keys, up to one more than ``MAX_SHARED`` each.

    Usually one statement for 500 keys is enough; a key that many records have must not crowd out
    the others, so that each is read for itself then.
    """
    holders: dict[str, set[int]] = defaultdict(set)
    wanted = sorted(keys)
    row = select(DuplicateKey.subject_id, DuplicateKey.key).where(
        DuplicateKey.subject_type == model.__tablename__
    )
    for start in range(0, len(wanted), BATCH):
        some = wanted[start : start + BATCH]
        most = (MAX_SHARED + 1) * len(some)
        found = connection.execute(row.where(DuplicateKey.key.in_(some)).limit(most)).all()
        if len(found) == most:
            one = row.limit(MAX_SHARED + 1)
            found = [
                pair
                for key in some
                for pair in connection.execute(one.where(DuplicateKey.key == key))
            ]
        for id_, key in found:
            holders[key].add(id_)
    return holders


def reasons_of(keys: Iterable[str]) -> list[str]:
    """Return the kinds of some keys."""
    kinds = {key.partition(":")[0] for key in keys}
    return [reason for reason in REASONS if reason in kinds]


def index_duplicates(connection: Connection, model: Subject, ids: Collection[int]) -> None:
    """Write the keys and the pairs of some rows again."""
    if not ids:
        return
    kind = model.__tablename__
    of_rows = DuplicateKey.subject_type == kind, DuplicateKey.subject_id.in_(ids)
    connection.execute(delete(DuplicateKey).where(*of_rows))
    found = read_keys(connection, model, ids)
    rows = [
        {"subject_type": kind, "key": key, "subject_id": id_}
        for id_, keys in found.items()
        for key in sorted(keys)
    ]
    if rows:
        connection.execute(insert(DuplicateKey), rows)
    _write_pairs(connection, model, ids, found)


def read_keys(connection: Connection, model: Subject, ids: Collection[int]) -> dict[int, set[str]]:
    """Return the keys that records have by their fields, whatever the index holds."""
    return _read_accounts(connection, ids) if model is Account else _read_people(connection, ids)


def index_all_duplicates(connection: Connection) -> None:
    """Write the keys and the pairs of all accounts and people."""
    for model in SUBJECTS:
        last = 0
        while True:
            batch = select(model.id).where(model.id > last).order_by(model.id).limit(BATCH)
            ids = connection.scalars(batch).all()
            if not ids:
                break
            index_duplicates(connection, model, ids)
            last = ids[-1]


def _keys(
    names: Iterable[str | None], mails: Iterable[str | None], phones: Iterable[str | None]
) -> set[str]:
    by_kind = zip(REASONS, (names, mails, phones), strict=True)
    return {f"{kind}:{text}" for kind, texts in by_kind for text in texts if text}


def _read_accounts(connection: Connection, ids: Collection[int]) -> dict[int, set[str]]:
    columns = (Account.id, Account.name, Account.email, Account.phone, Account.website)
    statement = select(*columns).where(Account.id.in_(ids), Account.archived_at.is_(None))
    rows = connection.execute(statement).mappings().all()
    return {row["id"]: account_keys(row) for row in rows}  # type: ignore[arg-type]  # its keys are strings


def _read_people(connection: Connection, ids: Collection[int]) -> dict[int, set[str]]:
    in_use = select(Person.id, Person.name).where(Person.id.in_(ids), Person.archived_at.is_(None))
    names = {row.id: row.name for row in connection.execute(in_use)}
    emails: dict[int, list[str]] = defaultdict(list)
    phones: dict[int, list[tuple[str, str]]] = defaultdict(list)
    mails = select(PersonEmail.person_id, PersonEmail.email)
    for id_, email in connection.execute(mails.where(PersonEmail.person_id.in_(names))):
        emails[id_].append(email)
    numbers = select(PersonPhone.person_id, PersonPhone.label, PersonPhone.number)
    for id_, label, number in connection.execute(numbers.where(PersonPhone.person_id.in_(names))):
        phones[id_].append((label, number))
    return {id_: person_keys(name, emails[id_], phones[id_]) for id_, name in names.items()}


def _write_pairs(
    connection: Connection, model: Subject, ids: Collection[int], found: dict[int, set[str]]
) -> None:
    kind = model.__tablename__
    pairs: dict[tuple[int, int], set[str]] = defaultdict(set)
    keys: set[str] = set().union(*found.values())
    holders = sharing(connection, model, keys)
    for id_, own in found.items():
        for key in own:
            if len(holders[key]) > MAX_SHARED:
                continue
            for other in holders[key] - {id_}:
                pairs[min(id_, other), max(id_, other)].add(key)
    # Dismissed pairs stay, so that they do not come back after an edit.
    for column in (DuplicatePair.first_id, DuplicatePair.second_id):
        connection.execute(
            delete(DuplicatePair).where(
                DuplicatePair.subject_type == kind,
                column.in_(ids),
                DuplicatePair.dismissed_at.is_(None),
            )
        )
    rows = [
        {
            "subject_type": kind,
            "first_id": first,
            "second_id": second,
            "strength": len(reasons_of(shared)),
            "reasons": " ".join(reasons_of(shared)),
        }
        for (first, second), shared in sorted(pairs.items())
    ]
    for start in range(0, len(rows), BATCH):
        connection.execute(_upsert(connection.dialect.name), rows[start : start + BATCH])


def _upsert(dialect: str) -> Any:
    """Return the statement that writes a pair; another transaction may have written it too."""
    key = ["subject_type", "first_id", "second_id"]
    if dialect == "sqlite":
        statement = sqlite.insert(DuplicatePair)
        new = statement.excluded
        changed = {"strength": new.strength, "reasons": new.reasons}
        return statement.on_conflict_do_update(index_elements=key, set_=changed)
    into = mysql.insert(DuplicatePair)
    return into.on_duplicate_key_update(
        strength=into.inserted.strength, reasons=into.inserted.reasons
    )


@event.listens_for(Session, "after_flush")
def _follow(session: Session, _context: Any) -> None:
    touched: dict[Subject, set[int]] = defaultdict(set)
    for row in (*session.new, *session.dirty, *session.deleted):
        match row:
            case PersonEmail() | PersonPhone() if row.person_id is not None:
                touched[Person].add(row.person_id)
            case Account() | Person() if row in session.deleted or _has_changed(row):
                touched[type(row)].add(row.id)
    for model, ids in touched.items():
        index_duplicates(session.connection(), model, ids)
    for row in session.deleted:
        if isinstance(row, Account | Person):  # another row may get its id
            for column in (DuplicatePair.first_id, DuplicatePair.second_id):
                of_row = DuplicatePair.subject_type == row.__tablename__, column == row.id
                session.connection().execute(delete(DuplicatePair).where(*of_row))


def _has_changed(row: Any) -> bool:
    attributes = inspect(row).attrs
    return any(attributes[name].history.has_changes() for name in WATCHED[type(row)])
