"""Let tasks belong to deals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "c6f1a8e3720d"
down_revision = "9b4e6d20c7f5"
branch_labels = None
depends_on = None

TO_DEAL = "fk_task_deal_id_deal"


def upgrade() -> None:
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.add_column(sa.Column("deal_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(TO_DEAL, "deal", ["deal_id"], ["id"], ondelete="SET NULL")
        batch_op.create_index("ix_task_deal_id", ["deal_id"])


def downgrade() -> None:
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.drop_constraint(TO_DEAL, type_="foreignkey")
        batch_op.drop_index("ix_task_deal_id")
        batch_op.drop_column("deal_id")
