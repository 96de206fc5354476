"""Tokens that let programs act for a user, and the answers to requests sent twice."""

from __future__ import annotations

import enum

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from quarterdeck_crm.extensions import Model

from .columns import Timestamp, utc_now
from .user import User


class Scope(enum.StrEnum):
    """The permitted uses of a token; neither includes the other."""

    READ = "read"
    WRITE = "write"


class ApiToken(Model):
    """A bearer token of a user. The token itself is nowhere: only its hash.

    ``hint`` is how it begins, so that users can tell theirs apart.
    """

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    hint: Mapped[str] = mapped_column(String(12))
    scopes: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[Timestamp] = mapped_column(default=utc_now)
    expires_at: Mapped[Timestamp | None]
    last_used_at: Mapped[Timestamp | None]

    user: Mapped[User] = relationship()

    def allows(self, scope: Scope) -> bool:
        """Whether the token may be used for ``scope``."""
        return scope in self.scopes.split()


class IdempotencyKey(Model):
    """The answer to a request that carried an ``Idempotency-Key``, kept for its repetitions.

    It is written in the transaction of the request, so there is never one without the
    other. Keys and requests are stored as hashes.
    """

    __tablename__ = "idempotency_key"
    __table_args__ = (UniqueConstraint("user_id", "key_digest"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    key_digest: Mapped[str] = mapped_column(String(64))
    request_digest: Mapped[str] = mapped_column(String(64))
    status: Mapped[int]
    location: Mapped[str | None] = mapped_column(String(300))
    etag: Mapped[str | None] = mapped_column(String(64))
    body: Mapped[str] = mapped_column(Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb"))
    expires_at: Mapped[Timestamp] = mapped_column(index=True)
