"""Models: tables and names, rows as dictionaries, attributes that are not loaded."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from quart import Quart
from sqlalchemy import Enum, ForeignKey, MetaData, UniqueConstraint
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    joinedload,
    mapped_column,
    selectinload,
    undefer,
)
from sqlalchemy.schema import CreateTable

from quarterdeck.exceptions import (
    ColumnNotLoadedError,
    DynamicRelationshipError,
    RelationshipNotLoadedError,
    UnknownBindError,
)
from quarterdeck.sqlalchemy import ModelMixin, SQLAlchemy, UTCDateTime
from quarterdeck.sqlalchemy.naming import table_name

from .sqlalchemy_app import Event, Post, User, add_users, db, make_app


@pytest.fixture(name="app")
async def _app(tmp_path: Path) -> AsyncIterator[Quart]:
    app = make_app(tmp_path)
    async with app.test_app(), app.app_context():
        await db.create_all()
        yield app


class TestTables:
    @pytest.mark.feature("D2")
    def test_the_table_name_is_the_class_name_in_snake_case(self) -> None:
        other: Any = SQLAlchemy()

        class OrderLine(other.Model):  # type: ignore[misc]
            id: Mapped[int] = mapped_column(primary_key=True)

        class HTTPLog(other.Model):  # type: ignore[misc]
            __tablename__ = "log"
            id: Mapped[int] = mapped_column(primary_key=True)

        assert set(other.metadata.tables) == {"order_line", "log"}

    @pytest.mark.parametrize(
        ("class_name", "table"),
        [
            ("User", "user"),
            ("HTTP2Request", "http2_request"),
            ("ABC123Def", "abc123_def"),
            ("UserAB", "user_ab"),
            ("ACL_Entry", "acl__entry"),
            ("_Private", "private"),
        ],
    )
    def test_the_name_is_that_of_flask_sqlalchemy(self, class_name: str, table: str) -> None:
        assert table_name(class_name) == table

    def test_a_subclass_shares_the_table_of_its_parent(self) -> None:
        other: Any = SQLAlchemy()

        class Animal(other.Model):  # type: ignore[misc]
            id: Mapped[int] = mapped_column(primary_key=True)
            kind: Mapped[str]
            __mapper_args__ = {"polymorphic_on": "kind"}

        class Dog(Animal):
            __mapper_args__ = {"polymorphic_identity": "dog"}

        assert Dog.__table__ is Animal.__table__

    @pytest.mark.feature("D2")
    def test_constraints_have_names(self) -> None:
        names = {constraint.name for constraint in Post.__table__.constraints}
        assert names == {"pk_post", "fk_post_author_id_user"}
        assert {c.name for c in User.__table__.constraints if isinstance(c, UniqueConstraint)} == {
            "uq_user_name"
        }

    @pytest.mark.feature("D1")
    def test_mysql_tables_are_innodb_and_utf8mb4(self) -> None:
        sql = str(CreateTable(User.__table__).compile(dialect=mysql.dialect()))
        assert "ENGINE=InnoDB" in sql
        assert "CHARSET=utf8mb4" in sql

    def test_a_table_may_say_otherwise(self) -> None:
        other: Any = SQLAlchemy()

        class Log(other.Model):  # type: ignore[misc]
            __table_args__ = {"mysql_engine": "Aria"}
            id: Mapped[int] = mapped_column(primary_key=True)

        sql = str(CreateTable(Log.__table__).compile(dialect=mysql.dialect()))
        assert "ENGINE=Aria" in sql

    def test_a_base_may_bring_its_own_metadata(self) -> None:
        tables = MetaData()

        class Base(ModelMixin, DeclarativeBase):
            metadata = tables

        assert SQLAlchemy(model_class=Base).metadata is tables

    @pytest.mark.feature("D2")
    async def test_create_and_drop(self, app: Quart) -> None:
        await add_users("Ada")
        await db.session.remove()
        await db.drop_all()
        await db.create_all()
        assert await User.query.count() == 0

    def test_the_names_of_flask_sqlalchemy_are_there(self) -> None:
        old: Any = SQLAlchemy()

        class Role(old.Model):  # type: ignore[misc]
            __tablename__ = "roles"
            id = old.Column(old.Integer, primary_key=True)
            name = old.Column(old.String(64), unique=True)
            people = old.relationship("Person", backref="role")

        class Person(old.Model):  # type: ignore[misc]
            id = old.Column(old.Integer, primary_key=True)
            role_id = old.Column(old.ForeignKey("roles.id"))

        assert Person(role=Role(name="admin")).role.name == "admin"
        assert not hasattr(old, "no_such_name")


class TestBinds:
    """``SQLALCHEMY_BINDS`` and ``__bind_key__``."""

    @pytest.mark.feature("D1")
    async def test_each_model_goes_to_its_database(self, tmp_path: Path) -> None:
        other: Any = SQLAlchemy()

        class Thing(other.Model):  # type: ignore[misc]
            id: Mapped[int] = mapped_column(primary_key=True)

        class Log(other.Model):  # type: ignore[misc]
            __bind_key__ = "logs"
            id: Mapped[int] = mapped_column(primary_key=True)
            text: Mapped[str]

        app = Quart("tests", instance_path=str(tmp_path))
        app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///main.db"
        app.config["SQLALCHEMY_BINDS"] = {"logs": "sqlite:///logs.db"}
        other.init_app(app)
        async with app.test_app(), app.app_context():
            await other.create_all()
            async with other.transaction() as session:
                session.add_all([Thing(), Log(text="made a thing")])
            assert await Log.query.filter_by(text="made a thing").count() == 1
            assert await Log.query.update({"text": "changed"}) == 1
            for bind, table in ((None, "thing"), ("logs", "log")):
                async with other.get_engine(bind).connect() as connection:
                    found = await connection.exec_driver_sql(
                        "SELECT name FROM sqlite_master WHERE type = 'table'"
                    )
                    assert [row.name for row in found] == [table]

    async def test_a_bind_key_that_is_not_configured_is_named(self, tmp_path: Path) -> None:
        other: Any = SQLAlchemy()

        class Log(other.Model):  # type: ignore[misc]
            __bind_key__ = "logs"
            id: Mapped[int] = mapped_column(primary_key=True)

        app = Quart("tests", instance_path=str(tmp_path))
        app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///main.db"
        app.config["SQLALCHEMY_BINDS"] = {"others": "sqlite:///others.db"}
        other.init_app(app)
        async with app.test_app(), app.app_context():
            with pytest.raises(UnknownBindError, match="'logs'"):
                await Log.query.count()
            with pytest.raises(UnknownBindError, match="'logs'"):
                await other.create_all()


class Colour(enum.Enum):
    RED = "red"


class TestToDict:
    @pytest.mark.feature("D8")
    async def test_columns(self, app: Quart) -> None:
        await add_users("Ada")
        post = Post(title="Notes", author_id=1)
        db.session.add(post)
        await db.session.commit()
        assert post.to_dict() == {"id": 1, "author_id": 1, "title": "Notes"}
        assert post.to_dict(only=["title"]) == {"title": "Notes"}
        assert post.to_dict(exclude=["id", "author_id"]) == {"title": "Notes"}

    @pytest.mark.feature("D8")
    async def test_relationships_by_name(self, app: Quart) -> None:
        await add_users("Ada")
        db.session.add(Post(title="Notes", author_id=1))
        await db.session.commit()
        user = await User.query.options(selectinload(User.posts)).one()
        assert user.to_dict(only=["name", "posts"]) == {
            "name": "Ada",
            "posts": [{"id": 1, "author_id": 1, "title": "Notes"}],
        }
        await db.session.remove()
        post = await Post.query.one()
        with pytest.raises(RelationshipNotLoadedError):
            post.to_dict(only=["author"])

    @pytest.mark.feature("D8")
    def test_ready_for_json(self) -> None:
        other: Any = SQLAlchemy()

        class Row(other.Model):  # type: ignore[misc]
            id: Mapped[int] = mapped_column(primary_key=True)
            at: Mapped[datetime] = mapped_column(UTCDateTime())
            day: Mapped[date]
            price: Mapped[Decimal]
            colour: Mapped[Colour] = mapped_column(Enum(Colour))
            uuid: Mapped[UUID]

        row = Row(
            id=1,
            at=datetime(2026, 11, 21, 8, 30, tzinfo=UTC),
            day=date(2026, 11, 21),
            price=Decimal("1.50"),
            colour=Colour.RED,
            uuid=UUID(int=1),
        )
        assert row.to_dict()["colour"] is Colour.RED
        assert row.to_dict(jsonable=True) == {
            "id": 1,
            "at": "2026-11-21T08:30:00+00:00",
            "day": "2026-11-21",
            "price": "1.50",
            "colour": "red",
            "uuid": "00000000-0000-0000-0000-000000000001",
        }


class TestRepr:
    async def test_it_shows_the_key_and_loads_nothing(self, app: Quart) -> None:
        user = User(name="Ada")
        assert repr(user) == "<User (transient)>"
        db.session.add(user)
        assert repr(user) == "<User (pending)>"
        await db.session.commit()
        assert repr(user) == "<User id=1>"
        db.session.expire(user)
        assert repr(user) == "<User id=1>"


class TestNotLoaded:
    """A lazy load cannot surprise: the error names the attribute and the cure."""

    @pytest.fixture(autouse=True)
    async def _rows(self, app: Quart) -> None:
        db.session.add(User(name="Ada", posts=[Post(title="Notes")]))
        await db.session.commit()
        await db.session.remove()

    @pytest.mark.feature("D5")
    async def test_a_collection(self) -> None:
        user = await User.query.one()
        with pytest.raises(RelationshipNotLoadedError) as caught:
            _ = user.posts
        assert str(caught.value) == (
            "'User.posts' is not loaded, and async code cannot load it on access. "
            "Add '.options(selectinload(User.posts))' to the query, "
            "or 'await session.refresh(user, [\"posts\"])' before."
        )

    @pytest.mark.feature("D5")
    async def test_a_single_object(self) -> None:
        post = await Post.query.one()
        with pytest.raises(RelationshipNotLoadedError, match=r"'Post\.author' is not loaded"):
            _ = post.author

    async def test_a_single_object_that_is_in_memory_is_simply_there(self) -> None:
        user = await User.query.one()
        assert (await Post.query.one()).author is user

    async def test_a_deferred_column(self) -> None:
        user = await User.query.one()
        with pytest.raises(ColumnNotLoadedError, match=r"undefer\(User\.biography\)"):
            _ = user.biography

    async def test_an_expired_object(self) -> None:
        user = await User.query.one()
        db.session.expire(user)
        with pytest.raises(ColumnNotLoadedError, match=r"'User\.balance'.*'User\.name'"):
            _ = user.name

    @pytest.mark.feature("D5")
    async def test_the_cures(self) -> None:
        assert (await User.query.options(selectinload(User.posts)).one()).posts
        await db.session.remove()
        assert (await User.query.options(joinedload(User.posts)).one()).posts
        await db.session.remove()
        user = await User.query.options(undefer(User.biography)).one()
        assert user.biography == ""
        await db.session.refresh(user, ["posts"])
        assert [post.title for post in user.posts] == ["Notes"]

    async def test_an_error_in_a_template_is_not_taken_for_a_missing_attribute(
        self, app: Quart
    ) -> None:
        user = await User.query.one()
        template = app.jinja_env.from_string("{{ user.posts }}")
        with pytest.raises(RelationshipNotLoadedError):
            await template.render_async(user=user)
        assert not issubclass(RelationshipNotLoadedError, AttributeError)


class TestDynamic:
    """A collection that is filtered and counted without being loaded."""

    @pytest.fixture(name="user", autouse=True)
    async def _user(self, app: Quart) -> User:
        kinds = ["login", "order", "order", "logout"]
        user = User(name="Ada", events=[Event(kind=kind) for kind in kinds])
        db.session.add_all([user, Event(kind="order")])
        await db.session.commit()
        await db.session.remove()
        return await User.query.filter_by(name="Ada").one()

    @pytest.mark.feature("D5")
    async def test_it_is_asked_not_loaded(self, user: User) -> None:
        assert await user.events.count() == 4
        assert await user.events.filter_by(kind="order").count() == 2
        assert [event.kind for event in await user.events.filter(Event.id > 2).all()] == [
            "order",
            "logout",
        ]
        assert [event.kind for event in (await user.events.paginate(per_page=2, page=2))] == [
            "order",
            "logout",
        ]
        first = await user.events.first()
        assert first is not None
        assert first.kind == "login"
        assert len(await user.events.all()) == 4
        assert len(await user.events.limit(3).all()) == 3
        latest = user.events.query.order_by(None).order_by(Event.id.desc())
        assert (await latest.first_or_404()).kind == "logout"
        assert len(await user.events.options(selectinload(Event.user)).all()) == 4
        assert await user.events.order_by(Event.kind).exists()

    async def test_adding_and_removing(self, user: User) -> None:
        user.events.add(Event(kind="login"))
        user.events.append(Event(kind="login"))
        user.events.remove(await user.events.filter_by(kind="logout").one())
        await db.session.commit()
        assert await user.events.filter_by(kind="login").count() == 3
        assert await user.events.filter_by(kind="logout").count() == 0

    def test_what_cannot_be_awaited_is_refused(self) -> None:
        other: Any = SQLAlchemy()

        class Parent(other.Model):  # type: ignore[misc]
            id = other.Column(other.Integer, primary_key=True)
            children = other.relationship("Child", lazy="dynamic")

        class Child(other.Model):  # type: ignore[misc]
            id = other.Column(other.Integer, primary_key=True)
            parent_id = other.Column(other.ForeignKey("parent.id"))

        with pytest.raises(DynamicRelationshipError, match=r"'Parent\.children'.*write_only"):
            Parent()
        other.Model.registry.dispose()

    async def test_many_to_many(self, tmp_path: Path) -> None:
        other: Any = SQLAlchemy()
        links = other.Table(
            "tags",
            other.Column("post", ForeignKey("article.id")),
            other.Column("tag", ForeignKey("tag.id")),
        )

        class Article(other.Model):  # type: ignore[misc]
            id = other.Column(other.Integer, primary_key=True)
            tags = other.relationship("Tag", secondary=links, lazy="write_only", backref="articles")

        class Tag(other.Model):  # type: ignore[misc]
            id = other.Column(other.Integer, primary_key=True)
            name = other.Column(other.String(20))

        app = Quart("tests", instance_path=str(tmp_path))
        app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///tags.db"
        other.init_app(app)
        async with app.test_app(), app.app_context():
            await other.create_all()
            article = Article(tags=[Tag(name="a"), Tag(name="b")])
            other.session.add(article)
            await other.session.commit()
            assert await article.tags.filter_by(name="b").count() == 1
            assert [tag.name for tag in await article.tags.order_by(Tag.name).all()] == ["a", "b"]
