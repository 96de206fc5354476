"""Add the language of users."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "5a1c7e94d3b8"
down_revision = "1d9031e93750"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.add_column(sa.Column("language", sa.String(length=16), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.drop_column("language")
