"""Store the addresses of users in one spelling, with a key that look-alikes share.

Addresses that clash now both stay: the later user gets a key of its own, and a warning names both.
"""

from __future__ import annotations

import logging

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from quarterdeck_crm.validation.addresses import MAX_ADDRESS, address_key, fold_address

revision = "8d3f51c0e7a6"
down_revision = "5e2b8a6d1c70"
branch_labels = None
depends_on = None

PLAIN = sa.String(254)
EXACT = PLAIN.with_variant(mysql.VARCHAR(254, collation="utf8mb4_bin"), "mysql", "mariadb")
NAME = "uq_user_email_key"

logger = logging.getLogger("quarterdeck_crm.migrations")


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column("user", "email", type_=EXACT, existing_type=PLAIN, existing_nullable=False)
    op.add_column("user", sa.Column("email_key", EXACT, nullable=True))
    _fill(op.get_bind())
    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.alter_column("email_key", existing_type=EXACT, nullable=False)
        batch_op.create_unique_constraint(NAME, ["email_key"])


def downgrade() -> None:
    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.drop_constraint(NAME, type_="unique")
        batch_op.drop_column("email_key")
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column("user", "email", type_=PLAIN, existing_type=EXACT, existing_nullable=False)


def _fill(connection: sa.Connection) -> None:
    user = sa.table(
        "user",
        sa.column("id", sa.Integer),
        sa.column("email", EXACT),
        sa.column("email_key", EXACT),
    )
    rows = connection.execute(sa.select(user.c.id, user.c.email)).all()
    emails: set[str] = set()
    keys: dict[str, str] = {}
    # An address that is stored as it should be stays with its user.
    for id_, before in sorted(rows, key=lambda row: (fold_address(row.email) != row.email, row.id)):
        email = fold_address(before)
        key = address_key(email)
        if email in emails or len(email) > MAX_ADDRESS:
            email = before
        if key in keys:
            logger.warning(
                "User %s has the address '%s', which looks like '%s'. Change one of the two on the "
                "team's pages. 'crm check' lists these users.",
                *(id_, before, keys[key]),
            )
            key = f"{key[: MAX_ADDRESS - 12]}#{id_}"
        emails.add(email)
        keys[key] = email
        connection.execute(user.update().where(user.c.id == id_).values(email=email, email_key=key))
