"""Let a search for accounts, goods and orders be answered by an index of words."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "e4f0a6b8c312"
down_revision = "b3d9c7a1f204"
branch_labels = None
depends_on = None


def upgrade() -> None:
    word = sa.String(40).with_variant(
        mysql.VARCHAR(40, collation="utf8mb4_bin"), "mysql", "mariadb"
    )
    op.create_table(
        "search_word",
        sa.Column("subject_type", sa.String(length=16), nullable=False),
        sa.Column("word", word, nullable=False),
        sa.Column("subject_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("subject_type", "word", "subject_id", name=op.f("pk_search_word")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("search_word", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_search_word_subject_type_search_word_subject_id"),
            ["subject_type", "subject_id"],
            unique=False,
        )
    # The migration of people writes the search words.


def downgrade() -> None:
    op.drop_table("search_word")
