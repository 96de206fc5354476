"""Add saved views of lists, steps that can be undone, and changes of many records at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "aa3e14f85099"
down_revision = "c9a17e5b3d48"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
MYSQL = {"mysql_charset": "utf8mb4", "mysql_engine": "InnoDB"}


def exact(length: int) -> sa.String:
    binary = mysql.VARCHAR(length, collation="utf8mb4_bin")
    return sa.String(length).with_variant(binary, "mysql", "mariadb")


def reference(table: str, column: str, target: str, ondelete: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, ondelete=ondelete)


def upgrade() -> None:
    op.create_table(
        "saved_view",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("page", sa.String(length=16), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("arguments", sa.String(length=2000), nullable=False),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        reference("saved_view", "owner_id", "user", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
        **MYSQL,
    )
    with op.batch_alter_table("saved_view", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_saved_view_created_at"), ["created_at"])
        batch_op.create_index(
            batch_op.f("ix_saved_view_owner_id_saved_view_page_saved_view_position"),
            ["owner_id", "page", "position"],
        )
        batch_op.create_index(
            batch_op.f("ix_saved_view_page_saved_view_is_shared_saved_view_position"),
            ["page", "is_shared", "position"],
        )
    op.create_table(
        "undo_step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", exact(32), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        reference("undo_step", "user_id", "user", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_undo_step")),
        sa.UniqueConstraint("key", name=op.f("uq_undo_step_key")),
        **MYSQL,
    )
    with op.batch_alter_table("undo_step", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_undo_step_user_id_undo_step_created_at"), ["user_id", "created_at"]
        )
    op.create_table(
        "undo_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("step_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        reference("undo_item", "step_id", "undo_step", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_undo_item")),
        **MYSQL,
    )
    with op.batch_alter_table("undo_item", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_undo_item_step_id"), ["step_id"])
    op.create_table(
        "bulk_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", exact(32), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=True),
        sa.Column("ids", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("refused", sa.JSON(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("beat_at", MOMENT, nullable=False),
        sa.Column("step_id", sa.Integer(), nullable=True),
        reference("bulk_run", "step_id", "undo_step", "SET NULL"),
        reference("bulk_run", "user_id", "user", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_run")),
        sa.UniqueConstraint("key", name=op.f("uq_bulk_run_key")),
        **MYSQL,
    )
    with op.batch_alter_table("bulk_run", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_bulk_run_user_id_bulk_run_created_at"), ["user_id", "created_at"]
        )


def downgrade() -> None:
    op.drop_table("bulk_run")
    op.drop_table("undo_item")
    op.drop_table("undo_step")
    op.drop_table("saved_view")
