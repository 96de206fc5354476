"""Let files belong to deals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2f7d90b4a6e3"
down_revision = "4e8b1f6a92c7"
branch_labels = None
depends_on = None

TO_DEAL = "fk_attachment_deal_id_deal"
ONE_SUBJECT = "ck_attachment_one_subject"


def upgrade() -> None:
    with op.batch_alter_table("attachment", schema=None) as batch_op:
        batch_op.add_column(sa.Column("deal_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(TO_DEAL, "deal", ["deal_id"], ["id"])
        batch_op.create_index("ix_attachment_deal_id", ["deal_id"])
        batch_op.drop_constraint(op.f(ONE_SUBJECT), type_="check")
        batch_op.create_check_constraint(
            op.f(ONE_SUBJECT),
            "(account_id IS NOT NULL) + (deal_id IS NOT NULL) + (order_id IS NOT NULL) = 1",
        )


def downgrade() -> None:
    with op.batch_alter_table("attachment", schema=None) as batch_op:
        batch_op.drop_constraint(op.f(ONE_SUBJECT), type_="check")
    # Without deals, their files are those of the account.
    op.execute(
        "UPDATE attachment SET account_id = "
        "(SELECT deal.account_id FROM deal WHERE deal.id = attachment.deal_id) "
        "WHERE deal_id IS NOT NULL"
    )
    with op.batch_alter_table("attachment", schema=None) as batch_op:
        batch_op.drop_constraint(TO_DEAL, type_="foreignkey")
        batch_op.drop_index("ix_attachment_deal_id")
        batch_op.drop_column("deal_id")
        batch_op.create_check_constraint(
            op.f(ONE_SUBJECT), "(account_id IS NULL) <> (order_id IS NULL)"
        )
