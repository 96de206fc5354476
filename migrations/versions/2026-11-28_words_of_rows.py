"""Let a search ask a row for its words in an index that holds them."""

from __future__ import annotations

from alembic import op

revision = "c1f5a7e2930b"
down_revision = "8d3a6c5e17f4"
branch_labels = None
depends_on = None

OLD = "ix_search_word_subject_type_search_word_subject_id"
NEW = "ix_search_word_subject"


def upgrade() -> None:
    op.create_index(NEW, "search_word", ["subject_type", "subject_id", "word"])
    op.drop_index(OLD, "search_word")


def downgrade() -> None:
    op.create_index(OLD, "search_word", ["subject_type", "subject_id"])
    op.drop_index(NEW, "search_word")
