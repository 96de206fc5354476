"""Give every account a reference, by which files name those that have no code."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from quarterdeck_crm.models.references import new_reference

revision = "5e2b8a6d1c70"
down_revision = "c41d7f0e9b25"
branch_labels = None
depends_on = None

TEXT = sa.String(20).with_variant(mysql.VARCHAR(20, collation="utf8mb4_bin"), "mysql", "mariadb")
NAME = "uq_account_reference"


def upgrade() -> None:
    op.add_column("account", sa.Column("reference", TEXT, nullable=True))
    account = sa.table("account", sa.column("id", sa.Integer), sa.column("reference", TEXT))
    connection = op.get_bind()
    ids = connection.scalars(sa.select(account.c.id)).all()
    if ids:
        changed = account.update().where(account.c.id == sa.bindparam("of"))
        connection.execute(
            changed.values(reference=sa.bindparam("new")),
            [{"of": id_, "new": new_reference()} for id_ in ids],
        )
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.alter_column("reference", existing_type=TEXT, nullable=False)
        batch_op.create_unique_constraint(NAME, ["reference"])


def downgrade() -> None:
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.drop_constraint(NAME, type_="unique")
        batch_op.drop_column("reference")
