"""Let the lists of accounts and goods be read from an index in every order."""

from __future__ import annotations

from alembic import op

revision = "c41d7f0e9b25"
down_revision = "0d5b7e92a6f1"
branch_labels = None
depends_on = None

COLUMNS = {
    "account": ("name", "code", "city", "country", "created_at"),
    "good": ("name", "code", "category", "price", "stock", "created_at"),
}


def upgrade() -> None:
    for table, columns in COLUMNS.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for column in columns:
                batch_op.create_index(name(table, column), ["archived_at", column], unique=False)
            batch_op.drop_index(f"ix_{table}_archived_at")


def downgrade() -> None:
    for table, columns in COLUMNS.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.create_index(f"ix_{table}_archived_at", ["archived_at"], unique=False)
            for column in columns:
                batch_op.drop_index(name(table, column))


def name(table: str, column: str) -> str:
    return f"ix_{table}_archived_at_{table}_{column}"
