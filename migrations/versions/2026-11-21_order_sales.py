"""Let the dashboard read its figures from one index."""

from __future__ import annotations

from alembic import op

revision = "0d5b7e92a6f1"
down_revision = "e4f0a6b8c312"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("order", schema=None) as batch_op:
        batch_op.create_index(
            "ix_order_sales",
            ["currency", "state", "ordered_on", "account_id", "net"],
            unique=False,
        )


def downgrade() -> None:
    with op.batch_alter_table("order", schema=None) as batch_op:
        batch_op.drop_index("ix_order_sales")
