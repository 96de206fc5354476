"""The words of records, notes and files, in a table whose index answers a search.

They follow every flush of the ORM: pages, the API and imports need not think of them. Code that
writes with ``insert()`` or ``update()`` calls ``index_rows`` afterwards.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, Select, delete, event, insert, inspect, select
from sqlalchemy.orm import Session

from quarterdeck_crm.models import (
    Account,
    Attachment,
    Contact,
    Deal,
    Good,
    Note,
    Person,
    PersonEmail,
    PersonPhone,
    SearchWord,
    Task,
)
from quarterdeck_crm.models.collation import fold
from quarterdeck_crm.models.search_word import LENGTH

from .keys import phone_words

Subject = (
    type[Account]
    | type[Attachment]
    | type[Deal]
    | type[Good]
    | type[Note]
    | type[Person]
    | type[Task]
)
SUBJECTS: dict[Subject, tuple[str, ...]] = {
    Account: ("name", "code", "city", "country", "email", "phone", "website"),
    Attachment: ("name",),
    Good: ("name", "code", "category"),
    Note: ("body",),
    Person: ("name",),
    Task: ("title",),
    Deal: ("name",),
}
BATCH = 500
PERSON_WATCHED = ("name", "emails", "phones")
MAX_TEXT = 4000  # characters of a text that are indexed; only notes are longer


def words_of(texts: Iterable[str | None]) -> set[str]:
    """Return the texts that a search word can match: words, and their parts from a boundary on.

    ``Wool_Co`` is also found by ``_co`` and ``co``. Scripts that do not put spaces between
    words are found from every character on.
    """
    found = set()
    for text in texts:
        for word in fold((text or "")[:MAX_TEXT]).split():
            found |= {word[start:][:LENGTH] for start in _boundaries(word)}
    return found


def _boundaries(word: str) -> Iterator[int]:
    for place, char in enumerate(word):
        before = word[place - 1] if place else ""
        starts = char.isalnum() != before.isalnum() or unicodedata.category(char) == "Lo"
        if not place or starts:
            yield place


def index_rows(connection: Connection, model: Subject, ids: Collection[int]) -> None:
    """Rewrite the words of some rows."""
    subject_type = model.__tablename__
    found = read_words(connection, model, ids)
    connection.execute(
        delete(SearchWord).where(
            SearchWord.subject_type == subject_type, SearchWord.subject_id.in_(ids)
        )
    )
    rows = [
        {"subject_type": subject_type, "word": word, "subject_id": id_}
        for id_, words in found.items()
        for word in words
    ]
    if rows:
        connection.execute(insert(SearchWord), rows)


def read_words(connection: Connection, model: Subject, ids: Collection[int]) -> dict[int, set[str]]:
    """Return the words that rows have by their texts, whatever the index holds."""
    texts: dict[int, list[str | None]] = defaultdict(list)
    numbers: dict[int, set[str]] = defaultdict(set)
    names = SUBJECTS[model]
    phone = names.index("phone") if "phone" in names else None
    columns = [getattr(model, name) for name in names]
    for id_, *values in connection.execute(select(model.id, *columns).where(model.id.in_(ids))):
        texts[id_] += values
        if phone is not None:
            numbers[id_] |= phone_words(values[phone])
    for statement in _further(model, ids):
        for id_, text in connection.execute(statement):
            texts[id_].append(text)
    if model is Person:
        phones = select(PersonPhone.person_id, PersonPhone.number)
        for id_, number in connection.execute(phones.where(PersonPhone.person_id.in_(ids))):
            texts[id_].append(number)
            numbers[id_] |= phone_words(number)
    return {
        id_: words_of(found) | {number[:LENGTH] for number in numbers[id_]}
        for id_, found in texts.items()
    }


def _further(model: Subject, ids: Collection[int]) -> Iterator[Select[int, str]]:
    """Yield the statements that read texts of other tables, by the ids of the rows."""
    if model is Account:
        names = select(Contact.account_id, Person.name).join(Contact.person)
        yield names.where(Contact.account_id.in_(ids))
    if model is Person:
        emails = select(PersonEmail.person_id, PersonEmail.email)
        yield emails.where(PersonEmail.person_id.in_(ids))


def index_everything(connection: Connection) -> None:
    """Write the words of everything that is searched."""
    for model in SUBJECTS:
        ids = connection.scalars(select(model.id).order_by(model.id)).all()
        for start in range(0, len(ids), BATCH):
            index_rows(connection, model, ids[start : start + BATCH])


@event.listens_for(Session, "after_flush")
def _follow(session: Session, _context: Any) -> None:
    touched: dict[Subject, set[int]] = defaultdict(set)
    renamed: set[int] = set()
    for row in (*session.new, *session.dirty, *session.deleted):
        match row:
            case Contact():
                touched[Account].add(row.account_id)
            case PersonEmail() | PersonPhone() if row.person_id is not None:
                touched[Person].add(row.person_id)
            case Person() if row in session.deleted or _has_changed(row, PERSON_WATCHED):
                touched[Person].add(row.id)
                if row in session.deleted or _has_changed(row, ("name",)):
                    renamed.add(row.id)
            case Account() | Attachment() | Deal() | Good() | Note() | Task() if (
                row in session.deleted or _has_changed(row, SUBJECTS[type(row)])
            ):
                touched[type(row)].add(row.id)
    if renamed:
        accounts = select(Contact.account_id).where(Contact.person_id.in_(renamed))
        touched[Account].update(session.connection().scalars(accounts))
    for model, ids in touched.items():
        index_rows(session.connection(), model, ids)


def _has_changed(row: Any, names: Iterable[str]) -> bool:
    attributes = inspect(row).attrs
    return any(attributes[name].history.has_changes() for name in names)
