"""Let the board find the orders of a state that changed last."""

from __future__ import annotations

from alembic import op

revision = "7c15e0d2b9a4"
down_revision = "4a0e8f2a7cb2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("order", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_order_state_order_updated_at"), ["state", "updated_at"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("order", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_order_state_order_updated_at"))
