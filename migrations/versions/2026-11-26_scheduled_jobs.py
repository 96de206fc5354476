"""Scheduled jobs, the lease of the process that runs them, and their runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "b7e41d9c5a02"
down_revision = "b7e04c6f1a93"
branch_labels = None
depends_on = None

ID = sa.String(191).with_variant(mysql.VARCHAR(191, collation="utf8mb4_bin"), "mysql", "mariadb")
DOCUMENT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
MYSQL = {"mysql_charset": "utf8mb4", "mysql_engine": "InnoDB"}


def upgrade() -> None:
    op.create_table(
        "scheduler_job",
        sa.Column("id", ID, nullable=False),
        sa.Column("document", DOCUMENT, nullable=False),
        sa.Column("next_run_time", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scheduler_job")),
        **MYSQL,
    )
    op.create_index(op.f("ix_scheduler_job_next_run_time"), "scheduler_job", ["next_run_time"])
    op.create_table(
        "scheduler_lease",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("process", sa.String(191), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.Column("claims", sa.BigInteger(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scheduler_lease")),
        **MYSQL,
    )
    op.create_table(
        "scheduler_run",
        sa.Column("job_id", ID, nullable=False),
        sa.Column("due", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("process", sa.String(191), nullable=False),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("by_hand", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "due", name=op.f("pk_scheduler_run")),
        **MYSQL,
    )
    op.create_index(op.f("ix_scheduler_run_due"), "scheduler_run", ["due"])
    op.create_index(
        op.f("ix_scheduler_run_outcome_scheduler_run_job_id"),
        "scheduler_run",
        ["outcome", "job_id"],
    )


def downgrade() -> None:
    op.drop_table("scheduler_run")
    op.drop_table("scheduler_lease")
    op.drop_table("scheduler_job")
