"""Let people that must not be contacted be counted and read by name."""

from __future__ import annotations

from alembic import op

revision = "5e9b3f70d2a6"
down_revision = "c1f5a7e2930b"
branch_labels = None
depends_on = None

NAME = "ix_person_archived_at_person_do_not_contact_person_name_key"


def upgrade() -> None:
    op.create_index(NAME, "person", ["archived_at", "do_not_contact", "name_key"])


def downgrade() -> None:
    op.drop_index(NAME, "person")
