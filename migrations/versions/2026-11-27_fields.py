"""Add tags, and fields that administrators define."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from quarterdeck.sqlalchemy import ExactDecimal

revision = "886d386cb186"
down_revision = "aa3e14f85099"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
MYSQL = {"mysql_charset": "utf8mb4", "mysql_engine": "InnoDB"}

VALUE_INDEXES = {
    "ix_custom_value_text": "text_key",
    "ix_custom_value_number": "number",
    "ix_custom_value_day": "day",
    "ix_custom_value_flag": "flag",
}


def exact(length: int) -> sa.String:
    binary = mysql.VARCHAR(length, collation="utf8mb4_bin")
    return sa.String(length).with_variant(binary, "mysql", "mariadb")


def reference(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, ondelete="CASCADE")


def upgrade() -> None:
    op.create_table(
        "tag",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("name_key", exact(161), nullable=False),
        sa.Column("colour", sa.String(length=16), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag")),
        sa.UniqueConstraint("name_key", name=op.f("uq_tag_name_key")),
        **MYSQL,
    )
    op.create_table(
        "record_tag",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("record_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tag_id", sa.Integer(), autoincrement=False, nullable=False),
        reference("record_tag", "tag_id", "tag"),
        sa.PrimaryKeyConstraint("kind", "record_id", "tag_id", name=op.f("pk_record_tag")),
        **MYSQL,
    )
    op.create_table(
        "custom_field",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", exact(40), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("help", sa.String(length=200), nullable=True),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("archived_at", MOMENT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custom_field")),
        sa.UniqueConstraint("kind", "key", name=op.f("uq_custom_field_kind_key")),
        **MYSQL,
    )
    op.create_table(
        "custom_value",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("record_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("field_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.String(length=500), nullable=True),
        sa.Column("text_key", exact(100), nullable=False),
        sa.Column("number", ExactDecimal(18, 6), nullable=True),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("flag", sa.Boolean(), nullable=True),
        reference("custom_value", "field_id", "custom_field"),
        sa.PrimaryKeyConstraint("kind", "record_id", "field_id", name=op.f("pk_custom_value")),
        **MYSQL,
    )
    for table in ("tag", "custom_field"):
        op.create_index(op.f(f"ix_{table}_created_at"), table, ["created_at"])
    op.create_index(
        op.f("ix_record_tag_tag_id_record_tag_kind_record_tag_record_id"),
        "record_tag",
        ["tag_id", "kind", "record_id"],
    )
    for name, column in VALUE_INDEXES.items():
        op.create_index(name, "custom_value", ["field_id", column, "record_id"])


def downgrade() -> None:
    op.drop_table("custom_value")
    op.drop_table("custom_field")
    op.drop_table("record_tag")
    op.drop_table("tag")
