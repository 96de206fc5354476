"""Give every deal and every note a reference, by which files name them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from quarterdeck_crm.models.references import new_reference

revision = "9b4e6d20c7f5"
down_revision = "3c9f0a7e5d12"
branch_labels = None
depends_on = None

TEXT = sa.String(20).with_variant(mysql.VARCHAR(20, collation="utf8mb4_bin"), "mysql", "mariadb")
TABLES = ("deal", "note")
PORTION = 10_000


def upgrade() -> None:
    for name in TABLES:
        op.add_column(name, sa.Column("reference", TEXT, nullable=True))
        _fill(sa.table(name, sa.column("id", sa.Integer), sa.column("reference", TEXT)))
        with op.batch_alter_table(name, schema=None) as batch_op:
            batch_op.alter_column("reference", existing_type=TEXT, nullable=False)
            batch_op.create_unique_constraint(f"uq_{name}_reference", ["reference"])


def downgrade() -> None:
    for name in TABLES:
        with op.batch_alter_table(name, schema=None) as batch_op:
            batch_op.drop_constraint(f"uq_{name}_reference", type_="unique")
            batch_op.drop_column("reference")


def _fill(table: sa.TableClause) -> None:
    connection = op.get_bind()
    change = table.update().where(table.c.id == sa.bindparam("of"))
    change = change.values(reference=sa.bindparam("new"))
    ids = connection.scalars(sa.select(table.c.id)).all()
    for start in range(0, len(ids), PORTION):
        rows = [{"of": id_, "new": new_reference()} for id_ in ids[start : start + PORTION]]
        connection.execute(change, rows)
