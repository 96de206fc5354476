"""Add tasks, and the time zone and the calendar feed of users."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "1d9031e93750"
down_revision = "b7d3e52a90f4"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")


def exact(length: int) -> sa.String:
    binary = mysql.VARCHAR(length, collation="utf8mb4_bin")
    return sa.String(length).with_variant(binary, "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "task",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", exact(20), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("title_key", exact(200), nullable=False),
        sa.Column("details", sa.Text(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("due_time", sa.String(length=5), nullable=True),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("repeat", sa.String(length=16), nullable=True),
        sa.Column("repeat_every", sa.Integer(), nullable=False),
        sa.Column("repeat_until", sa.Date(), nullable=True),
        sa.Column("repeat_from", sa.Date(), nullable=True),
        sa.Column("remind_on", sa.Date(), nullable=True),
        sa.Column("remind_time", sa.String(length=5), nullable=True),
        sa.Column("remind_at", MOMENT, nullable=True),
        sa.Column("reminded_at", MOMENT, nullable=True),
        sa.Column("is_done", sa.Boolean(), nullable=False),
        sa.Column("done_at", MOMENT, nullable=True),
        sa.Column("assignee_id", sa.Integer(), nullable=True),
        sa.Column("creator_id", sa.Integer(), nullable=True),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("contact_id", sa.Integer(), nullable=True),
        sa.Column("order_id", sa.Integer(), nullable=True),
        sa.Column("follows_id", sa.Integer(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("priority BETWEEN 1 AND 3", name=op.f("ck_task_priority_known")),
        sa.CheckConstraint("repeat_every > 0", name=op.f("ck_task_repeat_every_positive")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_task_account_id_account")
        ),
        sa.ForeignKeyConstraint(
            ["assignee_id"], ["user.id"], name=op.f("fk_task_assignee_id_user")
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contact.id"],
            name=op.f("fk_task_contact_id_contact"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(["creator_id"], ["user.id"], name=op.f("fk_task_creator_id_user")),
        sa.ForeignKeyConstraint(
            ["follows_id"], ["task.id"], name=op.f("fk_task_follows_id_task"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["order.id"], name=op.f("fk_task_order_id_order"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
        sa.UniqueConstraint("follows_id", name=op.f("uq_task_follows_id")),
        sa.UniqueConstraint("reference", name=op.f("uq_task_reference")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_task_account_id_task_is_done_task_due_at"),
            ["account_id", "is_done", "due_at"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_task_assignee_id_task_is_done_task_due_at"),
            ["assignee_id", "is_done", "due_at"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_task_contact_id"), ["contact_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_task_created_at"), ["created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_task_creator_id"), ["creator_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_task_is_done_task_created_at"), ["is_done", "created_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_task_is_done_task_due_at"), ["is_done", "due_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_task_is_done_task_priority_task_due_at"),
            ["is_done", "priority", "due_at"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_task_is_done_task_reminded_at_task_remind_at"),
            ["is_done", "reminded_at", "remind_at"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_task_is_done_task_title_key"), ["is_done", "title_key"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_task_order_id"), ["order_id"], unique=False)

    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.add_column(sa.Column("zone", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("calendar_digest", sa.String(length=64), nullable=True))
        batch_op.create_unique_constraint(
            batch_op.f("uq_user_calendar_digest"), ["calendar_digest"]
        )


def downgrade() -> None:
    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_user_calendar_digest"), type_="unique")
        batch_op.drop_column("calendar_digest")
        batch_op.drop_column("zone")

    op.drop_table("task")
