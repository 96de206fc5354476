"""Let the dashboard read its figures from sums, which change with each order."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from quarterdeck_crm.orders.sum_checks import fill_sums

revision = "d25e8c07b1f6"
down_revision = "5a1c7e94d3b8"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "order_sum",
        sa.Column("series", sa.String(length=16), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("period", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subject_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("whole", sa.BigInteger(), nullable=False),
        sa.Column("millionths", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "series", "currency", "period", "subject_id", name=op.f("pk_order_sum")
        ),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    with op.batch_alter_table("order_sum", schema=None) as batch_op:
        batch_op.create_index(
            "ix_order_sum_best", ["series", "currency", "period", "whole", "millionths"]
        )
    with op.batch_alter_table("order", schema=None) as batch_op:
        batch_op.drop_index("ix_order_sales")
    fill_sums(op.get_bind())


def downgrade() -> None:
    with op.batch_alter_table("order", schema=None) as batch_op:
        batch_op.create_index(
            "ix_order_sales", ["currency", "state", "ordered_on", "account_id", "net"]
        )
    op.drop_table("order_sum")
