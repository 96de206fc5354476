"""Add an index of orders by currency and state, for the links of the dashboard."""

from __future__ import annotations

from alembic import op

revision = "5e7c9b1d2f40"
down_revision = "b85d2c6e91f7"
branch_labels = None
depends_on = None

NAME = "ix_order_currency_order_state_order_ordered_on"


def upgrade() -> None:
    with op.batch_alter_table("order", schema=None) as batch_op:
        batch_op.create_index(batch_op.f(NAME), ["currency", "state", "ordered_on"])


def downgrade() -> None:
    with op.batch_alter_table("order", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f(NAME))
