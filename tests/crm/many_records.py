"""People, tasks and deals by the hundred thousand, for lists and searches over many of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Index, insert

from quarterdeck.sqlalchemy import no_time_limit
from quarterdeck_crm.deals.stages import list_stages, make_usual_stages
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import (
    Contact,
    Deal,
    Label,
    Person,
    PersonEmail,
    PersonPhone,
    SearchWord,
    StageKind,
    Task,
)
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.models.task import NEVER
from quarterdeck_crm.search.keys import phone_words
from quarterdeck_crm.search.word_index import words_of

from .many import USERS, WORDS

Row = dict[str, Any]

FIRST = ("Ada", "Ben", "Cleo", "Dora", "Emil", "Finn", "Greta", "Hugo", "Ines", "Jan")
VERBS = ("Call", "Visit", "Remind", "Thank", "Ask")
MODELS = (Person, PersonPhone, PersonEmail, Contact, Task, Deal, SearchWord)
BATCH = 20_000
ENDED = (StageKind.WON, StageKind.WON, StageKind.LOST)


async def make_records(people: int, tasks: int, deals: int, *, accounts: int) -> None:
    """Fill the tables of people, tasks and deals, for accounts and users that are there.

    One person in thirty is archived, and each is at one account. One task in five and three deals
    in ten are open. A task in twelve has no date, and one record in fifty belongs to no user.
    """
    async with db.new_session() as session, session.transaction():
        await make_usual_stages(session)
        stages = [(each.id, each.kind, each.probability) for each in await list_stages(session)]
    now = utc_now()
    with no_time_limit():
        async with db.engine.begin() as connection:
            is_sqlite = connection.dialect.name == "sqlite"
            if is_sqlite:  # made at the end, the indexes take a tenth of the time
                await connection.exec_driver_sql("PRAGMA cache_size = -200000")
                await connection.run_sync(_indexes, Index.drop)
            for model, rows in (
                (Person, _people(people, now)),
                (PersonPhone, _phones(people)),
                (PersonEmail, _emails(people)),
                (Contact, _contacts(people, accounts)),
                (Task, _tasks(tasks, accounts, now)),
                (Deal, _deals(deals, accounts, stages, now)),
                (SearchWord, _words(people, tasks, deals)),
            ):
                while batch := list(islice(rows, BATCH)):
                    await connection.execute(insert(model), batch)
            if is_sqlite:
                await connection.run_sync(_indexes, Index.create)
                await connection.exec_driver_sql("PRAGMA cache_size = -2000")  # as it was
        if not is_sqlite:
            names = ", ".join(model.__tablename__ for model in MODELS)
            async with db.engine.connect() as connection:
                await connection.exec_driver_sql(f"ANALYZE TABLE {names}")


def _indexes(connection: Connection, work: Any) -> None:
    for model in MODELS:
        for index in model.__table__.indexes:
            work(index, connection)


def _name(n: int) -> str:
    return f"{FIRST[n % 10]} {WORDS[n // 10 % 10]} {n % 997}"


def _title(n: int) -> str:
    return f"{VERBS[n % 5]} {WORDS[n // 5 % 10]} {n % 997}"


def _deal(n: int) -> str:
    return f"{WORDS[n % 10]} {WORDS[n // 10 % 10]} {n % 997}"


def _number(n: int) -> str:
    return f"0171 {1_000_000 + n}"


def _mail(n: int) -> str:
    return f"p{n}@example.com"


def _account(n: int, accounts: int) -> int:
    return 1 + n * 7919 % accounts


def _owner(n: int) -> int | None:
    return 1 + n * 31 % USERS if n % 50 else None


def _moments(n: int, now: datetime) -> Row:
    made = now - timedelta(hours=n * 7 % 24_000)
    return {"created_at": made, "updated_at": made, "version": 1}


def _people(people: int, now: datetime) -> Iterator[Row]:
    for n in range(1, people + 1):
        yield {
            "id": n,
            "reference": f"ref-{n:016x}",
            "name": _name(n),
            "do_not_contact": n % 40 == 0,
            "archived_at": None if n % 30 else now,
            **_moments(n, now),
        }


def _phones(people: int) -> Iterator[Row]:
    for n in range(1, people + 1):
        yield {"person_id": n, "position": 1, "label": Label.MOBILE, "number": _number(n)}


def _emails(people: int) -> Iterator[Row]:
    for n in range(1, people + 1):
        yield {"person_id": n, "position": 1, "label": Label.WORK, "email": _mail(n)}


def _contacts(people: int, accounts: int) -> Iterator[Row]:
    for n in range(1, people + 1):
        yield {"id": n, "person_id": n, "account_id": _account(n, accounts)}


def _tasks(tasks: int, accounts: int, now: datetime) -> Iterator[Row]:
    for n in range(1, tasks + 1):
        is_done = n % 5 > 0
        due = _day(n, now, is_done=is_done) if n % 12 else None
        yield {
            "id": n,
            "reference": f"tsk-{n:016x}",
            "title": _title(n),
            "due_on": due,
            "due_at": datetime.combine(due, time(), UTC) if due else NEVER,
            "priority": 1 + n // 5 % 3,
            "is_done": is_done,
            "done_at": now if is_done else None,
            "assignee_id": _owner(n // 5),
            "creator_id": 1 + n % USERS,
            "account_id": _account(n, accounts),
            **_moments(n, now),
        }


def _deals(
    deals: int, accounts: int, stages: list[tuple[int, StageKind, int]], now: datetime
) -> Iterator[Row]:
    ended = {kind: (id_, kind, probability) for id_, kind, probability in stages}
    current = [stage for stage in stages if stage[1] is StageKind.OPEN]
    for n in range(1, deals + 1):
        is_open = n % 10 < 3
        stage = current[n // 10 % len(current)] if is_open else ended[ENDED[n // 10 % 3]]
        moments = _moments(n, now)
        yield {
            "id": n,
            "name": _deal(n),
            "account_id": _account(n, accounts),
            "owner_id": _owner(n // 10),
            "stage_id": stage[0],
            "kind": stage[1],
            "value": Decimal(n * 7907 % 100_000),
            "currency": "EUR" if n // 10 % 10 else "USD",
            "probability": stage[2],
            "expected_on": _day(n, now, is_done=not is_open),
            "moved_at": moments["created_at"],
            **moments,
        }


def _day(n: int, now: datetime, *, is_done: bool) -> date:
    days = -(n * 7 % 1000) if is_done else n * 7 % 120 - 30
    return (now + timedelta(days=days)).date()


def _words(people: int, tasks: int, deals: int) -> Iterator[Row]:
    """Yield the words as ``word_index`` finds them, without asking the database for the texts."""

    def rows(kind: str, id_: int, words: Iterable[str]) -> Iterator[Row]:
        return ({"subject_type": kind, "word": word, "subject_id": id_} for word in words)

    for n in range(1, people + 1):
        words = words_of([_mail(n), _number(n)]) | phone_words(_number(n))
        yield from rows("person", n, words.union(*map(_words_of, _name(n).split())))
    for kind, text, number in (("task", _title, tasks), ("deal", _deal, deals)):
        for n in range(1, number + 1):
            yield from rows(kind, n, set().union(*map(_words_of, text(n).split())))


@cache
def _words_of(word: str) -> frozenset[str]:
    return frozenset(words_of([word]))
