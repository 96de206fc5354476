"""Smaller promises of Flask-SQLAlchemy that applications rely on."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import Column, ForeignKey, Integer, MetaData, PrimaryKeyConstraint, String, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import (
    DeclarativeBase,
    DeclarativeBaseNoMeta,
    Mapped,
    MappedAsDataclass,
    declared_attr,
    mapped_column,
)

from quarterdeck.exceptions import AppContextMissingError
from quarterdeck.sqlalchemy import Query, Session, SQLAlchemy, UTCDateTime
from quarterdeck.sqlalchemy.naming import table_name
from quarterdeck.sqlalchemy.track_modifications import models_committed

from .test_sqlalchemy_base import serving

pytestmark = pytest.mark.feature("D2")


def now() -> datetime:
    return datetime.now(UTC)


BASES: dict[str, tuple[type[Any], ...]] = {
    "declarative": (DeclarativeBase,),
    "without metaclass": (DeclarativeBaseNoMeta,),
    "dataclass": (MappedAsDataclass, DeclarativeBase),
    "dataclass without metaclass": (MappedAsDataclass, DeclarativeBaseNoMeta),
}


@pytest.fixture(name="db", params=["own", *BASES])
def _db(request: pytest.FixtureRequest) -> Any:
    """A database on each kind of base, with metadata for one test."""
    bases = BASES.get(request.param)
    return SQLAlchemy(model_class=None if bases is None else type("Base", bases, {}))


class TestNames:
    @pytest.mark.parametrize(
        ("class_name", "table"),
        [
            ("CamelCase", "camel_case"),
            ("Snake_case", "snake_case"),
            ("HTMLLayout", "html_layout"),
            ("LayoutHTML", "layout_html"),
            ("ABC", "abc"),
            ("PreABCPost", "pre_abc_post"),
            ("UserST4", "user_st4"),
            ("AstV2Node", "ast_v2_node"),
            ("get2HTTPResponse123Code", "get2_http_response123_code"),
        ],
    )
    def test_of_classes(self, class_name: str, table: str) -> None:
        assert table_name(class_name) == table

    def test_a_key_from_a_mixin_makes_a_table(self, db: Any) -> None:
        class Keyed:
            id = Column(Integer, primary_key=True)

        class Duck(Keyed, db.Model):  # type: ignore[misc]
            pass

        assert not hasattr(Keyed, "__tablename__")
        assert Duck.__tablename__ == "duck"

    def test_a_rule_of_a_mixin_is_for_all_levels(self, db: Any) -> None:
        class Shouting:
            @declared_attr.directive
            def __tablename__(cls) -> str:
                return str(cls.__name__).upper()  # type: ignore[attr-defined]

        class Bird(Shouting, db.Model):  # type: ignore[misc]
            id = Column(Integer, primary_key=True)

        class Duck(Bird):
            id = Column(Integer, ForeignKey(Bird.id), primary_key=True)

        class Mallard(Duck):
            id = Column(Integer, ForeignKey("DUCK.id"), primary_key=True)

        assert [c.__tablename__ for c in (Bird, Duck, Mallard)] == ["BIRD", "DUCK", "MALLARD"]

    def test_an_abstract_model_has_none(self, db: Any) -> None:
        class Keyed(db.Model):  # type: ignore[misc]
            __abstract__ = True
            id = Column(Integer, primary_key=True)

        class Duck(Keyed):
            pass

        assert "__tablename__" not in Keyed.__dict__
        assert Duck.__tablename__ == "duck"

    def test_a_joined_key_from_a_mixin_makes_a_table(self) -> None:
        db: Any = SQLAlchemy()

        class Duck(db.Model):  # type: ignore[misc]
            id = Column(Integer, primary_key=True)

        class Joined:
            @declared_attr
            def id(cls):  # type: ignore[no-untyped-def]
                return Column(Integer, ForeignKey(Duck.id), primary_key=True)

        class RubberDuck(Joined, Duck):
            pass

        assert RubberDuck.__tablename__ == "rubber_duck"

    def test_a_name_by_hand_is_for_its_class_and_those_that_share_the_table(self, db: Any) -> None:
        class Duck(db.Model):  # type: ignore[misc]
            __tablename__ = "DUCK"
            id = Column(Integer, primary_key=True)
            kind = Column(String(10))
            __mapper_args__ = {"polymorphic_on": "kind"}

        class Daffy(Duck):
            id = Column(Integer, ForeignKey(Duck.id), primary_key=True)
            __mapper_args__ = {"polymorphic_identity": "tower"}

        class Donald(Duck):
            __mapper_args__ = {"polymorphic_identity": "mouse"}

        assert [c.__tablename__ for c in (Duck, Daffy, Donald)] == ["DUCK", "daffy", "DUCK"]
        assert "__tablename__" not in Donald.__dict__

    def test_a_key_in_the_arguments_of_the_table(self, db: Any) -> None:
        class Duck(db.Model):  # type: ignore[misc]
            id = Column(Integer)
            __table_args__ = (PrimaryKeyConstraint(id),)

        assert Duck.__tablename__ == "duck"

    def test_properties_of_the_class_are_not_read(self, db: Any) -> None:
        read: list[str] = []

        class ClassProperty:
            def __get__(self, instance: object, owner: type[Any]) -> None:
                read.append("property")

        class Duck(db.Model):  # type: ignore[misc]
            id = Column(Integer, primary_key=True)

        class Witch(Duck):
            floats = ClassProperty()

        assert Witch.__table__ is Duck.__table__
        assert read == []

    def test_a_model_without_a_key_is_an_error_of_sqlalchemy(self, db: Any) -> None:
        with pytest.raises(ArgumentError, match="could not assemble any primary key"):

            class User(db.Model):  # type: ignore[misc]
                pass


class TestMetadata:
    def test_it_is_that_of_the_base(self, db: Any) -> None:
        assert db.metadata is db.metadatas[None] is db.Model.metadata
        assert db.metadata.info["bind_key"] is None
        assert db.Query is Query

    def test_of_a_base_with_its_own(self) -> None:
        own = MetaData()

        class Base(DeclarativeBase):
            metadata = own

        db = SQLAlchemy(model_class=Base)
        assert db.metadata is own is db.Model.metadata
        assert own.info["bind_key"] is None

    def test_of_a_bind(self, db: Any) -> None:
        class User(db.Model):  # type: ignore[misc]
            id = Column(Integer, primary_key=True)

        class Log(db.Model):  # type: ignore[misc]
            __tablename__ = "user"
            __bind_key__ = "logs"
            id = Column(Integer, primary_key=True)

        assert User.metadata is db.metadata
        assert Log.metadata is db.metadatas["logs"] is not db.metadata
        assert db.metadatas["logs"].info["bind_key"] == "logs"

    def test_of_an_abstract_parent(self, db: Any) -> None:
        class Abstract(db.Model):  # type: ignore[misc]
            __abstract__ = True
            __bind_key__ = "auth"

        class User(Abstract):
            id = Column(Integer, primary_key=True)

        assert "user" in db.metadatas["auth"].tables
        assert "metadata" not in User.__dict__

    def test_by_hand_goes_before_a_bind_key(self, db: Any) -> None:
        own = MetaData()

        class User(db.Model):  # type: ignore[misc]
            __bind_key__ = "other"
            metadata = own
            id = Column(Integer, primary_key=True)

        assert User.__table__.metadata is own
        assert "other" not in db.metadatas

    def test_of_tables(self, db: Any) -> None:
        def table(*arguments: Any, **options: Any) -> Any:
            return db.Table("user", *arguments, Column("id", Integer, primary_key=True), **options)

        own = MetaData()
        assert table().metadata is db.metadata
        assert table(bind_key="logs").metadata is db.metadatas["logs"]
        assert table(own, bind_key="other").metadata is own
        assert "other" not in db.metadatas


class TestModels:
    async def test_columns_of_an_abstract_parent_and_of_a_mixin(self, tmp_path: Path) -> None:
        db: Any = SQLAlchemy()

        class Stamped:
            created: Mapped[datetime] = mapped_column(UTCDateTime(), default=now)

        class Abstract(db.Model):  # type: ignore[misc]
            __abstract__ = True
            updated: Mapped[datetime] = mapped_column(UTCDateTime(), default=now, onupdate=now)

        class Post(Stamped, Abstract):
            id: Mapped[int] = mapped_column(primary_key=True)
            title: Mapped[str] = mapped_column(String(20))

        async with serving(db, tmp_path):
            db.session.add(Post(title="one"))
            await db.session.commit()
            post = await Post.query.one()
            assert post.created is not None
            assert post.updated is not None

    async def test_a_key_that_a_base_declares_for_each_level(self, tmp_path: Path) -> None:
        class Base(DeclarativeBase):
            @declared_attr
            @classmethod
            def id(cls) -> Mapped[int]:
                for parent in cls.__mro__[1:-1]:
                    if getattr(parent, "__table__", None) is not None and hasattr(parent, "id"):
                        return mapped_column(ForeignKey(parent.id), primary_key=True)
                return mapped_column(Integer, primary_key=True)

        db: Any = SQLAlchemy(model_class=Base)

        class User(db.Model):  # type: ignore[misc]
            name: Mapped[str] = mapped_column(String(20))

        class Employee(User):
            title: Mapped[str] = mapped_column(String(20))

        async with serving(db, tmp_path):
            db.session.add(Employee(name="ada", title="boss"))
            await db.session.commit()
            assert (await User.query.one()).id == (await Employee.query.one()).id == 1


class TestEngines:
    @pytest.mark.parametrize("source", ["sqlite://", URL.create("sqlite"), "wrapped", "object"])
    async def test_a_url_may_be_an_object(self, source: Any) -> None:
        url = URL.create("sqlite")
        given = {"wrapped": {"url": "sqlite://"}, "object": {"url": url}}.get(source, source)
        app = Quart("tests")
        app.config["SQLALCHEMY_DATABASE_URI"] = url
        app.config["SQLALCHEMY_BINDS"] = {"a": given}
        app.config["SQLALCHEMY_ECHO"] = True
        db = SQLAlchemy(app, engine_options={"echo": False})
        async with app.app_context():
            assert db.engine is db.engines[None]
            for engine in db.engines.values():
                assert engine.url == make_url("sqlite+aiosqlite://")
                assert not engine.echo
            await db.dispose()
        with pytest.raises(AppContextMissingError):
            _ = db.engine

    async def test_echo(self) -> None:
        app = Quart("tests")
        app.config.update(SQLALCHEMY_DATABASE_URI="sqlite://", SQLALCHEMY_ECHO=True)
        db = SQLAlchemy(app)
        async with app.app_context():
            assert db.engine.echo

    @pytest.mark.sqlite_only
    async def test_a_url_of_the_driver_is_in_the_instance_folder(self, tmp_path: Path) -> None:
        app = Quart("tests", instance_path=str(tmp_path / "instance"))
        app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///file:test.db?uri=true"
        db = SQLAlchemy(app)
        async with app.test_app(), app.app_context():
            await db.create_all()
            assert await asyncio.to_thread((tmp_path / "instance" / "test.db").is_file)

    @pytest.mark.parametrize(
        ("default", "binds", "shown"),
        [
            (True, (), "<SQLAlchemy sqlite+aiosqlite://>"),
            (True, ("a", "b"), "<SQLAlchemy sqlite+aiosqlite:// +2 engines>"),
            (False, ("a",), "<SQLAlchemy (No default engine) +1 engines>"),
        ],
    )
    async def test_its_text_counts_the_engines(
        self, default: bool, binds: tuple[str, ...], shown: str
    ) -> None:
        app = Quart("tests")
        app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://" if default else None
        app.config["SQLALCHEMY_BINDS"] = dict.fromkeys(binds, "sqlite://")
        db = SQLAlchemy(app)
        assert repr(db) == "<SQLAlchemy>"
        async with app.app_context():
            assert repr(db) == shown
        async with Quart("another").app_context():
            assert repr(db) == "<SQLAlchemy>"


class TestSessions:
    async def test_one_for_each_context(self, tmp_path: Path) -> None:
        db: Any = SQLAlchemy()
        with pytest.raises(AppContextMissingError):
            db.session()
        async with serving(db, tmp_path) as app:
            first = db.session()
            assert isinstance(first, Session)
            assert db.session() is first
            async with app.app_context():
                assert db.session() is not first

    @pytest.mark.sqlite_only
    async def test_rows_of_several_databases(self, tmp_path: Path) -> None:
        db: Any = SQLAlchemy()

        class User(db.Model):  # type: ignore[misc]
            id: Mapped[int] = mapped_column(primary_key=True)
            name: Mapped[str] = mapped_column(String(50))

        class Product(db.Model):  # type: ignore[misc]
            __bind_key__ = "shop"
            id: Mapped[int] = mapped_column(primary_key=True)
            name: Mapped[str] = mapped_column(String(50))

        async with serving(db, tmp_path, SQLALCHEMY_BINDS={"shop": "sqlite:///shop.db"}):
            for model in (User, Product):
                rows = [{"name": f"{model.__name__}{number}"} for number in range(2)]
                await db.session.execute(model.__table__.insert(), rows)
            await db.session.commit()
            assert [user.name for user in await User.query.all()] == ["User0", "User1"]
            found = (await db.session.scalars(select(Product.name))).all()
            assert found == ["Product0", "Product1"]


async def test_the_shell_knows_the_models() -> None:
    app = Quart("tests")
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    db: Any = SQLAlchemy(app)

    class Todo(db.Model):  # type: ignore[misc]
        id: Mapped[int] = mapped_column(primary_key=True)

    context = app.make_shell_context()
    assert (context["db"], context["Todo"]) == (db, Todo)


async def test_a_deletion_is_signalled(tmp_path: Path) -> None:
    db: Any = SQLAlchemy()

    class Todo(db.Model):  # type: ignore[misc]
        id: Mapped[int] = mapped_column(primary_key=True)

    async with serving(db, tmp_path, SQLALCHEMY_TRACK_MODIFICATIONS=True) as app:
        seen: list[Any] = []

        def listen(_app: Quart, changes: list[Any]) -> None:
            seen.extend(changes)

        models_committed.connect(listen, app)
        db.session.add(Todo(id=1))
        await db.session.commit()
        await db.session.remove()
        todo = await db.get_or_404(Todo, 1)
        await db.session.delete(todo)
        await db.session.commit()
        assert [operation for _, operation in seen] == ["insert", "delete"]
        assert seen[1][0] is todo


async def test_a_page_has_a_next_one(tmp_path: Path) -> None:
    db: Any = SQLAlchemy()

    class Todo(db.Model):  # type: ignore[misc]
        id: Mapped[int] = mapped_column(primary_key=True)

    async with serving(db, tmp_path):
        db.session.add_all(Todo() for _ in range(25))
        await db.session.commit()
        for page in (await Todo.query.paginate(), await db.paginate(select(Todo).order_by("id"))):
            following = await page.next()
            assert (following.page, following.total, len(following.items)) == (2, 25, 5)
