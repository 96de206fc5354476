"""The outbox in a table, over the app's own engine."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    RowMapping,
    String,
    Table,
    Text,
    and_,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from quarterdeck._state import release_resources
from quarterdeck.exceptions import OutboxMailNotFoundError

from .envelope import Envelope
from .outbox import Claim, Outbox, OutboxMail, OutboxStatus, State

SKIPS_LOCKED = ("mysql", "mariadb", "postgresql")
MAX_SUBJECT = 250
MAX_ERROR = 1000
MAX_ID = 2**63 - 1
# A plain BLOB of MySQL ends at 64 KB.
_CONTENT = LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")
_ID = BigInteger().with_variant(Integer(), "sqlite")


def outbox_table(metadata: MetaData, name: str = "mail_outbox", schema: str | None = None) -> Table:
    """Return the table of the outbox, for the metadata that migrations use.

    Times are Unix times in milliseconds.
    """
    if name in metadata.tables:
        return metadata.tables[name]
    table = Table(
        name,
        metadata,
        Column("id", _ID, primary_key=True),
        Column("is_dead", Boolean, nullable=False),
        Column("due", BigInteger, nullable=False),
        Column("claim", String(32), nullable=True),
        Column("created", BigInteger, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("error", Text, nullable=False),
        Column("message_id", String(998), nullable=False),
        Column("subject", String(MAX_SUBJECT), nullable=False),
        Column("sender", String(320), nullable=False),
        Column("recipients", JSON, nullable=False),
        Column("options", JSON, nullable=False),
        Column("content", _CONTENT, nullable=False),
        schema=schema,
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    Index(f"ix_{name}_is_dead_due", table.c.is_dead, table.c.due)
    Index(f"ix_{name}_claim", table.c.claim)
    return table


class SQLAlchemyOutbox(Outbox):
    """One row per mail, deleted once the mail is sent.

    Args:
        engine: Called when the engine is used.
        table: As ``outbox_table`` makes it.
    """

    def __init__(self, engine: Callable[[], AsyncEngine], table: Table) -> None:
        self._engine = engine
        self._table = table
        self._listed = [c for c in table.c if c.name not in {"content", "options", "claim"}]

    async def add(self, session: AsyncSession, envelope: Envelope) -> None:
        now = _milliseconds(time.time())
        values = asdict(envelope)
        options = {"mail": values.pop("mail_options"), "rcpt": values.pop("rcpt_options")}
        values |= {"subject": envelope.subject[:MAX_SUBJECT], "options": options}
        values |= {"is_dead": False, "due": now, "created": now, "attempts": 0, "error": ""}
        await session.execute(insert(self._table).values(**values))

    async def claim(self, token: str, *, limit: int, lease: float) -> list[Claim]:
        t, now = self._table, time.time()
        is_due = and_(~t.c.is_dead, t.c.due <= _milliseconds(now))
        oldest = select(t.c.id).where(is_due).order_by(t.c.due, t.c.id).limit(limit)
        values = {"claim": token, "due": _milliseconds(now + lease)}
        async with self._connect() as connection:
            if connection.dialect.name in SKIPS_LOCKED:
                # Without gap locks, which would keep others from enqueueing.
                await connection.execution_options(isolation_level="READ COMMITTED")
                oldest = oldest.with_for_update(skip_locked=True)
            ids = (await connection.scalars(oldest)).all()
            if not ids:
                return []
            # Where no row is locked another relay may have been faster: it is not due any more.
            await connection.execute(update(t).where(t.c.id.in_(ids), is_due).values(values))
            await connection.commit()
            mine = select(t).where(t.c.id.in_(ids), t.c.claim == token)
            rows = (await connection.execute(mine.order_by(t.c.id))).mappings().all()
        return [_claim(row, token) for row in rows]

    async def renew(self, claim: Claim, *, lease: float) -> bool:
        return await self._end(claim, {"due": _milliseconds(time.time() + lease)})

    async def remove(self, claim: Claim) -> None:
        t = self._table
        await self._write(delete(t).where(t.c.id == claim.id, t.c.claim == claim.token))

    async def put_back(
        self,
        claim: Claim,
        *,
        delay: float = 0,
        error: str | None = None,
        attempts: int | None = None,
        recipients: Sequence[str] | None = None,
        is_dead: bool = False,
    ) -> None:
        values: dict[str, Any] = {"claim": None, "is_dead": is_dead}
        values["due"] = _milliseconds(time.time() + delay)
        if error is not None:
            values["error"] = error[:MAX_ERROR]
        if attempts is not None:
            values["attempts"] = attempts
        if recipients is not None:
            values["recipients"] = list(recipients)
        await self._end(claim, values)

    async def next_due(self) -> float | None:
        t = self._table
        async with self._connect() as connection:
            due = await connection.scalar(select(func.min(t.c.due)).where(~t.c.is_dead))
        return None if due is None else due / 1000

    async def status(self) -> OutboxStatus:
        t = self._table
        columns = (t.c.is_dead, func.count().label("count"), func.min(t.c.created).label("oldest"))
        async with self._connect() as connection:
            rows = (await connection.execute(select(*columns).group_by(t.c.is_dead))).all()
        found = {bool(row.is_dead): row for row in rows}
        waiting, dead = found.get(False), found.get(True)
        age = 0.0 if waiting is None else max(0.0, time.time() - waiting.oldest / 1000)
        counted = [0 if row is None else int(row[1]) for row in (waiting, dead)]
        return OutboxStatus(waiting=counted[0], dead=counted[1], oldest=age)

    async def list(
        self,
        *,
        state: State | None = None,
        limit: int = 100,
        after: int = 0,
        since: datetime | None = None,
    ) -> Sequence[OutboxMail]:
        t = self._table
        after = min(after, MAX_ID)
        statement = select(*self._listed).where(t.c.id > after).order_by(t.c.id).limit(limit)
        if since is not None:
            statement = statement.where(t.c.due >= _milliseconds(since.timestamp()))
        if state is not None:
            statement = statement.where(t.c.is_dead == (state == "dead"))
        async with self._connect() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        return [_listed(row) for row in rows]

    async def get(self, mail_id: int) -> tuple[OutboxMail, Envelope]:
        t = self._table
        _refuse_unfit(mail_id)
        async with self._connect() as connection:
            row = (await connection.execute(select(t).where(t.c.id == mail_id))).mappings().first()
        if row is None:
            raise OutboxMailNotFoundError(mail_id)
        return _listed(row), _envelope(row)

    async def retry(self, mail_id: int | None = None) -> int:
        t = self._table
        which = t.c.is_dead if mail_id is None else t.c.id == mail_id
        # The age counts from now on, so that it is not given up at once.
        now = _milliseconds(time.time())
        values = {"is_dead": False, "due": now, "created": now, "attempts": 0}
        unclaimed = and_(which, t.c.claim.is_(None))
        return await self._change(update(t).where(unclaimed).values(values), mail_id)

    async def purge(self, mail_id: int | None = None) -> int:
        t = self._table
        which = t.c.is_dead if mail_id is None else t.c.id == mail_id
        unclaimed = (t.c.claim.is_(None)) | (t.c.due <= _milliseconds(time.time()))
        return await self._change(delete(t).where(which, unclaimed), mail_id)

    async def _change(self, statement: Any, mail_id: int | None) -> int:
        if mail_id is not None:
            _refuse_unfit(mail_id)
        count = await self._write(statement)
        if mail_id is not None and not count:
            raise OutboxMailNotFoundError(mail_id)
        return count

    async def _end(self, claim: Claim, values: dict[str, Any]) -> bool:
        t = self._table
        mine = and_(t.c.id == claim.id, t.c.claim == claim.token)
        return bool(await self._write(update(t).where(mine).values(values)))

    async def _write(self, statement: Any) -> int:
        async with self._connect() as connection, connection.begin():
            return int((await connection.execute(statement)).rowcount)

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[AsyncConnection]:
        """Take a connection, while a request that has only read holds none."""
        await release_resources()
        async with self._engine().connect() as connection:
            yield connection


def _refuse_unfit(mail_id: int) -> None:
    """Raise for a number that no id can have; a driver would fail with an error of its own."""
    if not -MAX_ID <= mail_id <= MAX_ID:
        raise OutboxMailNotFoundError(mail_id)


def _claim(row: RowMapping, token: str) -> Claim:
    ends, created = row["due"] / 1000, row["created"] / 1000
    return Claim(row["id"], token, ends, row["attempts"], created, _envelope(row))


def _envelope(row: RowMapping) -> Envelope:
    names = ("message_id", "subject", "sender", "recipients", "content")
    made = Envelope(**{name: row[name] for name in names})
    options = row["options"]
    return replace(made, mail_options=options["mail"], rcpt_options=options["rcpt"])


def _listed(row: RowMapping) -> OutboxMail:
    names = ("id", "message_id", "subject", "sender", "recipients", "attempts", "error")
    return OutboxMail(
        **{name: row[name] for name in names},
        state="dead" if row["is_dead"] else "waiting",
        created=datetime.fromtimestamp(row["created"] / 1000, UTC),
        due=datetime.fromtimestamp(row["due"] / 1000, UTC),
    )


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
