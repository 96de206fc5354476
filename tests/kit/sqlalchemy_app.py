"""The application that the tests of the database share: two tables, in a database of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from quart import Quart
from sqlalchemy import ForeignKey, String, TextClause, text
from sqlalchemy.orm import DeclarativeBase, Mapped, deferred, mapped_column, relationship

from quarterdeck.sqlalchemy import DynamicMapped, ModelMixin, SQLAlchemy, dynamic_relationship
from quarterdeck.sqlalchemy.config import CONFIG
from tests import databases
from tests.plain import Quart as PlainQuart


class Model(ModelMixin, DeclarativeBase):
    """The base of the models below."""


db = SQLAlchemy(model_class=Model)


class User(Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50), unique=True)
    balance: Mapped[int] = mapped_column(default=0)
    biography: Mapped[str] = deferred(mapped_column(String(200), default=""))

    posts: Mapped[list[Post]] = relationship(back_populates="author")
    events: DynamicMapped[Event] = dynamic_relationship(back_populates="user", order_by="Event.id")


class Post(Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    title: Mapped[str] = mapped_column(String(50))

    author: Mapped[User | None] = relationship(back_populates="posts")


class Event(Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    kind: Mapped[str] = mapped_column(String(20))

    user: Mapped[User | None] = relationship(back_populates="events")


# A busy machine is no frozen server, and 50 at once share 20 connections.
PATIENT = {
    "SQLALCHEMY_POOL_TIMEOUT": 30,
    "SQLALCHEMY_CONNECT_TIMEOUT_SECONDS": 20,
    "SQLALCHEMY_QUERY_TIMEOUT_SECONDS": 20,
}
DEFAULTS = {key.name: key.default for key in CONFIG if key.name in PATIENT}


def make_app(folder: Path, **config: Any) -> Quart:
    app = PlainQuart("tests", instance_path=str(folder))
    app.config.update({"SQLALCHEMY_DATABASE_URI": databases.uri(folder)} | PATIENT | config)
    db.init_app(app)
    return app


def sql(statement: str) -> TextClause:
    """Return a statement with the table of the users for ``{user}``, a reserved word of some."""
    return text(statement.format(user='"user"' if databases.is_postgresql() else "user"))


async def add_users(*names: str) -> None:
    """Commit users of these names in the current session, then start a fresh one."""
    async with db.transaction() as session:
        session.add_all([User(name=name) for name in names])
    session.expunge_all()
