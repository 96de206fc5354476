"""Add the keys and pairs of likely duplicates, and the record that a merged one became part of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "b85d2c6e91f7"
down_revision = "e61b7f0c2d95"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
MYSQL = {"mysql_charset": "utf8mb4", "mysql_engine": "InnoDB"}
KEY = sa.String(80).with_variant(mysql.VARCHAR(80, collation="utf8mb4_bin"), "mysql", "mariadb")
MERGED = ("account", "person")


def upgrade() -> None:
    op.create_table(
        "duplicate_key",
        sa.Column("subject_type", sa.String(length=16), nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("subject_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("subject_type", "key", "subject_id", name=op.f("pk_duplicate_key")),
        **MYSQL,
    )
    op.create_index(
        op.f("ix_duplicate_key_subject_type_duplicate_key_subject_id"),
        "duplicate_key",
        ["subject_type", "subject_id"],
    )
    op.create_table(
        "duplicate_pair",
        sa.Column("subject_type", sa.String(length=16), nullable=False),
        sa.Column("first_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("second_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("strength", sa.Integer(), nullable=False),
        sa.Column("reasons", sa.String(length=40), nullable=False),
        sa.Column("dismissed_at", MOMENT, nullable=True),
        sa.Column("dismissed_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["dismissed_by_id"],
            ["user.id"],
            name=op.f("fk_duplicate_pair_dismissed_by_id_user"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint(
            "subject_type", "first_id", "second_id", name=op.f("pk_duplicate_pair")
        ),
        **MYSQL,
    )
    op.create_index(
        "ix_duplicate_pair_open",
        "duplicate_pair",
        ["subject_type", "dismissed_at", "strength", "second_id", "first_id"],
    )
    op.create_index("ix_duplicate_pair_second", "duplicate_pair", ["subject_type", "second_id"])
    op.create_index(
        op.f("ix_duplicate_pair_dismissed_by_id"), "duplicate_pair", ["dismissed_by_id"]
    )
    for table in MERGED:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("merged_into_id", sa.Integer(), nullable=True))
            batch_op.create_index(f"ix_{table}_merged_into_id", ["merged_into_id"])
            batch_op.create_foreign_key(
                f"fk_{table}_merged_into_id_{table}",
                table,
                ["merged_into_id"],
                ["id"],
                ondelete="SET NULL",
            )


def downgrade() -> None:
    for table in MERGED:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_constraint(f"fk_{table}_merged_into_id_{table}", type_="foreignkey")
            batch_op.drop_index(f"ix_{table}_merged_into_id")
            batch_op.drop_column("merged_into_id")
    op.drop_table("duplicate_pair")
    op.drop_table("duplicate_key")
