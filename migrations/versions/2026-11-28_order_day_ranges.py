"""Let the orders of a range of days be read by number."""

from __future__ import annotations

from alembic import op

revision = "8d2f6b90c1e3"
down_revision = "2f7d90b4a6e3"
branch_labels = None
depends_on = None

NAME = "ix_order_ordered_on_order_number_key"


def upgrade() -> None:
    with op.batch_alter_table("order", schema=None) as batch_op:
        batch_op.create_index(batch_op.f(NAME), ["ordered_on", "number_key"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("order", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f(NAME))
