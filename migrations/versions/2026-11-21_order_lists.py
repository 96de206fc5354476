"""Let the lists of orders be read from an index in every order that they offer."""

from __future__ import annotations

from alembic import op

revision = "b3d9c7a1f204"
down_revision = "7c15e0d2b9a4"
branch_labels = None
depends_on = None

NEW = (
    ("net",),
    ("state", "ordered_on"),
    ("state", "number"),
    ("account_id", "ordered_on"),
    ("owner_id", "ordered_on"),
    ("owner_id", "state", "ordered_on"),
)
OLD = (("state", "id"), ("account_id", "id"), ("owner_id",))


def upgrade() -> None:
    replace(OLD, NEW)


def downgrade() -> None:
    replace(NEW, OLD)


def replace(old: tuple[tuple[str, ...], ...], new: tuple[tuple[str, ...], ...]) -> None:
    # The new ones first: MySQL never leaves a foreign key without an index.
    with op.batch_alter_table("order", schema=None) as batch_op:
        for columns in new:
            batch_op.create_index(batch_op.f(name(columns)), list(columns), unique=False)
    with op.batch_alter_table("order", schema=None) as batch_op:
        for columns in old:
            batch_op.drop_index(batch_op.f(name(columns)))


def name(columns: tuple[str, ...]) -> str:
    first, *others = columns
    return "_".join(("ix_order", first, *(f"order_{column}" for column in others)))
