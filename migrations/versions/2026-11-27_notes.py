"""Let notes belong to any record, and add notifications and the choice of their mail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "e61b7f0c2d95"
down_revision = "886d386cb186"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
MYSQL = {"mysql_charset": "utf8mb4", "mysql_engine": "InnoDB"}
SUBJECT = "ix_note_subject_type_note_subject_id_note_id"


def upgrade() -> None:
    with op.batch_alter_table("note", schema=None) as batch_op:
        batch_op.add_column(sa.Column("subject_type", sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column("subject_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("edited_at", MOMENT, nullable=True))
        batch_op.add_column(sa.Column("removed_at", MOMENT, nullable=True))
        batch_op.add_column(sa.Column("version", sa.Integer(), nullable=True))
    op.execute("UPDATE note SET subject_type = 'account', subject_id = account_id, version = 1")
    with op.batch_alter_table("note", schema=None) as batch_op:
        batch_op.drop_constraint("fk_note_account_id_account", type_="foreignkey")
        batch_op.drop_index("ix_note_account_id")
        batch_op.drop_column("account_id")
        for name, kind in (
            ("subject_type", sa.String(length=16)),
            ("subject_id", sa.Integer()),
            ("version", sa.Integer()),
        ):
            batch_op.alter_column(name, existing_type=kind, nullable=False)
        batch_op.create_index(SUBJECT, ["subject_type", "subject_id", "id"])
    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "mails_notifications", sa.Boolean(), nullable=False, server_default=sa.false()
            )
        )
    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.alter_column(
            "mails_notifications", server_default=None, existing_type=sa.Boolean()
        )
    op.create_table(
        "notification",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject_type", sa.String(length=16), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("note_id", sa.Integer(), nullable=True),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("read_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["actor_id"],
            ["user.id"],
            name=op.f("fk_notification_actor_id_user"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["note_id"], ["note.id"], name=op.f("fk_notification_note_id_note"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_notification_user_id_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification")),
        sa.UniqueConstraint("user_id", "note_id", name="uq_notification_user_id_note_id"),
        **MYSQL,
    )
    with op.batch_alter_table("notification", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notification_note_id"), ["note_id"])
        batch_op.create_index(batch_op.f("ix_notification_actor_id"), ["actor_id"])
        batch_op.create_index(batch_op.f("ix_notification_read_at"), ["read_at"])
        batch_op.create_index(
            batch_op.f("ix_notification_user_id_notification_id"), ["user_id", "id"]
        )
        batch_op.create_index(
            batch_op.f("ix_notification_user_id_notification_read_at_notification_id"),
            ["user_id", "read_at", "id"],
        )
        batch_op.create_index(
            batch_op.f("ix_notification_subject_type_notification_subject_id"),
            ["subject_type", "subject_id"],
        )


def downgrade() -> None:
    op.drop_table("notification")
    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.drop_column("mails_notifications")
    # Notes of other records have no place in the older table, and removed ones no text.
    op.execute("DELETE FROM note WHERE subject_type <> 'account' OR removed_at IS NOT NULL")
    with op.batch_alter_table("note", schema=None) as batch_op:
        batch_op.add_column(sa.Column("account_id", sa.Integer(), nullable=True))
    op.execute("UPDATE note SET account_id = subject_id")
    op.execute("DELETE FROM note WHERE account_id NOT IN (SELECT id FROM account)")
    with op.batch_alter_table("note", schema=None) as batch_op:
        batch_op.drop_index(SUBJECT)
        for name in ("subject_type", "subject_id", "edited_at", "removed_at", "version"):
            batch_op.drop_column(name)
        batch_op.alter_column("account_id", existing_type=sa.Integer(), nullable=False)
        batch_op.create_index("ix_note_account_id", ["account_id"])
        batch_op.create_foreign_key(
            "fk_note_account_id_account", "account", ["account_id"], ["id"], ondelete="CASCADE"
        )
