"""Let administrators choose the custom fields that lists show."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "3c9f0a7e5d12"
down_revision = "5e7c9b1d2f40"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("custom_field", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("in_list", sa.Boolean(), nullable=False, server_default=sa.false())
        )


def downgrade() -> None:
    with op.batch_alter_table("custom_field", schema=None) as batch_op:
        batch_op.drop_column("in_list")
