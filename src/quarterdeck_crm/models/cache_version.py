"""The version of the rows that each process keeps in memory."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from quarterdeck_crm.extensions import Model

from .columns import exact


class CacheVersion(Model):
    """One row whose word is replaced by each change to a cached row; see ``cache``.

    A random word, and not a number: after a restored backup, no process takes an old number for
    a new one.
    """

    __tablename__ = "cache_version"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    word: Mapped[str] = mapped_column(exact(16))
