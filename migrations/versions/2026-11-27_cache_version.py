"""Add the version of the rows that each process keeps in memory."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "4e8b1f6a92c7"
down_revision = "c6f1a8e3720d"
branch_labels = None
depends_on = None


def upgrade() -> None:
    binary = mysql.VARCHAR(16, collation="utf8mb4_bin")
    word = sa.String(16).with_variant(binary, "mysql", "mariadb")
    table = op.create_table(
        "cache_version",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("word", word, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cache_version")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.bulk_insert(table, [{"id": 1, "word": "first"}])


def downgrade() -> None:
    op.drop_table("cache_version")
