"""The tables of the scheduler, for the metadata that migrations use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects import mysql

from quarterdeck._state import OwnTable
from quarterdeck.apscheduler.options import MAX_ID

MAX_PROCESS = 191
MYSQL: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_engine": "InnoDB"}
DOCUMENT = Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
# Ids that differ in case or accents are different ones, as in Python.
ID = String(MAX_ID).with_variant(mysql.VARCHAR(MAX_ID, collation="utf8mb4_bin"), "mysql", "mariadb")


@dataclass(frozen=True, slots=True)
class SchedulerTables:
    """The tables of one scheduler."""

    job: Table
    lease: Table
    run: Table

    @property
    def names(self) -> list[OwnTable]:
        """Their schemas and names."""
        return [(table.schema, table.name) for table in (self.job, self.lease, self.run)]


def scheduler_tables(
    metadata: MetaData, prefix: str = "scheduler", schema: str | None = None
) -> SchedulerTables:
    """Return the tables of the jobs, the lease and the runs.

    Args:
        metadata: Where they are declared, such as ``db.metadata``.
        prefix: The value of ``SCHEDULER_PREFIX``: names begin with it.
        schema: Of the tables.
    """
    job = Table(
        f"{prefix}_job",
        metadata,
        Column("id", ID, primary_key=True),
        Column("document", DOCUMENT, nullable=False),
        Column("next_run_time", BigInteger, nullable=True, index=True),
        Column("version", Integer, nullable=False),
        schema=schema,
        **MYSQL,
    )
    lease = Table(
        f"{prefix}_lease",
        metadata,
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("process", String(MAX_PROCESS), nullable=False),
        Column("token", BigInteger, nullable=False),
        Column("beat", BigInteger, nullable=False),
        Column("claims", BigInteger, nullable=False),
        Column("paused", Boolean, nullable=False),
        schema=schema,
        **MYSQL,
    )
    run = Table(
        f"{prefix}_run",
        metadata,
        Column("job_id", ID, primary_key=True),
        Column("due", BigInteger, primary_key=True, autoincrement=False, index=True),
        Column("outcome", String(16), nullable=False),
        Column("process", String(MAX_PROCESS), nullable=False),
        Column("beat", BigInteger, nullable=False),
        Column("started", BigInteger, nullable=True),
        Column("seconds", Double, nullable=True),
        Column("attempts", Integer, nullable=False),
        Column("error", Text, nullable=True),
        Column("by_hand", Boolean, nullable=False),
        schema=schema,
        **MYSQL,
    )
    Index(None, run.c.outcome, run.c.job_id)
    return SchedulerTables(job, lease, run)
