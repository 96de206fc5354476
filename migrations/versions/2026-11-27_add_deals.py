"""Add deals, and the stages of their pipeline."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from quarterdeck.sqlalchemy import ExactDecimal

revision = "81390f76af71"
down_revision = "d25e8c07b1f6"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")


def exact(length: int) -> sa.String:
    binary = mysql.VARCHAR(length, collation="utf8mb4_bin")
    return sa.String(length).with_variant(binary, "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "deal_lost_reason",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deal_lost_reason")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "deal_stage",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("probability", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "probability BETWEEN 0 AND 100", name=op.f("ck_deal_stage_probability_percent")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deal_stage")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_table(
        "deal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_key", exact(200), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=True),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("stage_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("value", ExactDecimal(precision=18, scale=6), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("probability", sa.Integer(), nullable=False),
        sa.Column("own_probability", sa.Integer(), nullable=True),
        sa.Column("expected_on", sa.Date(), nullable=True),
        sa.Column("lost_reason", sa.String(length=80), nullable=True),
        sa.Column("remark", sa.Text(), nullable=True),
        sa.Column("moved_at", MOMENT, nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "probability BETWEEN 0 AND 100", name=op.f("ck_deal_probability_percent")
        ),
        sa.CheckConstraint("value >= 0", name=op.f("ck_deal_value_not_negative")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_deal_account_id_account")
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contact.id"],
            name=op.f("fk_deal_contact_id_contact"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["order.id"], name=op.f("fk_deal_order_id_order"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], name=op.f("fk_deal_owner_id_user")),
        sa.ForeignKeyConstraint(
            ["stage_id"], ["deal_stage.id"], name=op.f("fk_deal_stage_id_deal_stage")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deal")),
        sa.UniqueConstraint("order_id", name=op.f("uq_deal_order_id")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("deal", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_deal_account_id_deal_kind"), ["account_id", "kind"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_deal_contact_id"), ["contact_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_deal_created_at"), ["created_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_deal_kind_deal_created_at"), ["kind", "created_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_deal_kind_deal_expected_on"), ["kind", "expected_on"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_deal_kind_deal_name_key"), ["kind", "name_key"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_deal_kind_deal_value"), ["kind", "value"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_deal_owner_id_deal_kind_deal_expected_on"),
            ["owner_id", "kind", "expected_on"],
            unique=False,
        )
        batch_op.create_index(
            "ix_deal_pipeline",
            ["kind", "stage_id", "currency", "probability", "value"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_deal_stage_id_deal_moved_at"), ["stage_id", "moved_at"], unique=False
        )

    op.create_table(
        "deal_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("deal_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("good_id", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("price", ExactDecimal(precision=15, scale=3), nullable=False),
        sa.Column("discount", ExactDecimal(precision=4, scale=3), nullable=False),
        sa.Column("amount", ExactDecimal(precision=18, scale=6), nullable=False),
        sa.CheckConstraint("price >= 0", name=op.f("ck_deal_line_price_not_negative")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_deal_line_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["deal_id"], ["deal.id"], name=op.f("fk_deal_line_deal_id_deal"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["good_id"], ["good.id"], name=op.f("fk_deal_line_good_id_good")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deal_line")),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("deal_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_deal_line_deal_id"), ["deal_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_deal_line_good_id"), ["good_id"], unique=False)


def downgrade() -> None:
    op.drop_table("deal_line")
    op.drop_table("deal")
    op.drop_table("deal_stage")
    op.drop_table("deal_lost_reason")
