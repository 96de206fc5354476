"""Let the value of a bulk change hold the text of a custom field."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "8d3a6c5e17f4"
down_revision = "8d2f6b90c1e3"
branch_labels = None
depends_on = None

SHORT, LONG = sa.String(200), sa.String(600)


def upgrade() -> None:
    with op.batch_alter_table("bulk_run", schema=None) as batch_op:
        batch_op.alter_column("value", existing_type=SHORT, type_=LONG, existing_nullable=True)


def downgrade() -> None:
    op.execute("DELETE FROM bulk_run WHERE LENGTH(value) > 200")
    with op.batch_alter_table("bulk_run", schema=None) as batch_op:
        batch_op.alter_column("value", existing_type=LONG, type_=SHORT, existing_nullable=True)
