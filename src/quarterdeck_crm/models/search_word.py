"""The words by which accounts and goods are found; ``word_index`` keeps them."""

from __future__ import annotations

from sqlalchemy import Index, String
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column

from quarterdeck_crm.extensions import Model

LENGTH = 40


def exact(length: int) -> String:
    """Text that is compared by its characters: on MySQL too, no two of them count the same."""
    binary = mysql.VARCHAR(length, collation="utf8mb4_bin")
    return String(length).with_variant(binary, "mysql", "mariadb")


class SearchWord(Model):
    """One word of an account or a good, folded, or what is left of one from a boundary on."""

    __tablename__ = "search_word"
    __table_args__ = (Index(None, "subject_type", "subject_id"),)

    subject_type: Mapped[str] = mapped_column(String(16), primary_key=True)
    word: Mapped[str] = mapped_column(exact(LENGTH), primary_key=True)
    subject_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
