"""The words by which accounts, people and goods are found; ``word_index`` keeps them."""

from __future__ import annotations

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from quarterdeck_crm.extensions import Model

from .columns import exact

LENGTH = 40


class SearchWord(Model):
    """One word of an account, a person or a good, folded, or the rest of one from a boundary on."""

    __tablename__ = "search_word"
    # SQLite would read all words of a kind instead of an index that lacks the word.
    __table_args__ = (Index("ix_search_word_subject", "subject_type", "subject_id", "word"),)

    subject_type: Mapped[str] = mapped_column(String(16), primary_key=True)
    word: Mapped[str] = mapped_column(exact(LENGTH), primary_key=True)
    subject_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
