"""What ``SQLAlchemy()`` is made from: bases, metadata, options, inheritance, binds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, inspect, select, text
from sqlalchemy.orm import (
    DeclarativeBase,
    DeclarativeBaseNoMeta,
    Mapped,
    MappedAsDataclass,
    declarative_base,
    declared_attr,
    joinedload,
    mapped_column,
    selectinload,
)

from quarterdeck.exceptions import (
    AppContextMissingError,
    ModelMetadataError,
    SessionOptionError,
    UnknownBindError,
)
from quarterdeck.sqlalchemy import Query, Session, SQLAlchemy
from tests import databases

pytestmark = pytest.mark.feature("D2")


@asynccontextmanager
async def serving(db: Any, folder: Path, **config: Any) -> AsyncIterator[Quart]:
    """An app with the tables of ``db``, inside its context."""
    app = Quart("tests", instance_path=str(folder))
    app.config.update({"SQLALCHEMY_DATABASE_URI": databases.uri(folder)} | config)
    db.init_app(app)
    async with app.test_app(), app.app_context():
        await db.create_all()
        yield app


class Base(DeclarativeBase):
    pass


class BaseNoMeta(DeclarativeBaseNoMeta):
    pass


class DataclassBase(MappedAsDataclass, DeclarativeBase):
    pass


class DataclassBaseNoMeta(DeclarativeBaseNoMeta, MappedAsDataclass):
    pass


def bases() -> list[Any]:
    return [Base, BaseNoMeta, DataclassBase, DataclassBaseNoMeta, declarative_base()]


class TestModelClass:
    @pytest.mark.feature("D11")
    @pytest.mark.parametrize("base", bases(), ids=lambda base: base.__name__)
    async def test_any_declarative_base_serves(self, base: Any, tmp_path: Path) -> None:
        db: Any = SQLAlchemy(model_class=base)
        assert issubclass(db.Model, base)

        class User(db.Model):  # type: ignore[misc]
            __tablename__ = f"user_{base.__name__.lower()}"
            id: Mapped[int] = mapped_column(primary_key=True)
            name: Mapped[str] = mapped_column(String(20), unique=True)

        is_dataclass = issubclass(base, MappedAsDataclass)
        async with serving(db, tmp_path):
            db.session.add(User(id=1, name="ada") if is_dataclass else User(name="ada"))
            await db.session.commit()
            ada = await User.query.filter_by(name="ada").one()
            assert ada.to_dict() == {"id": 1, "name": "ada"}
            assert {c.name for c in inspect(User).local_table.constraints} == {
                f"pk_{User.__tablename__}",
                f"uq_{User.__tablename__}_name",
            }

    def test_a_base_keeps_its_own_names_of_constraints(self) -> None:
        class Named(DeclarativeBase):
            metadata = MetaData(naming_convention={"pk": "key_of_%(table_name)s"})

        db: Any = SQLAlchemy(model_class=Named)

        class User(db.Model):  # type: ignore[misc]
            id: Mapped[int] = mapped_column(primary_key=True)

        assert db.metadata is Named.metadata
        assert User.__table__.primary_key.name == "key_of_user"
        assert db.metadata_for("logs").naming_convention["pk"] == "key_of_%(table_name)s"

    def test_a_plain_class_is_mixed_in(self) -> None:
        class WithKey:
            @declared_attr
            def id(cls) -> Mapped[int]:
                return mapped_column(primary_key=True)

        db: Any = SQLAlchemy(model_class=WithKey)

        class User(db.Model):  # type: ignore[misc]
            name: Mapped[str]

        assert [column.name for column in User.__table__.columns] == ["name", "id"]

    def test_metadata_goes_into_the_base(self) -> None:
        metadata = MetaData(schema="crm")
        db: Any = SQLAlchemy(metadata=metadata)
        assert db.metadata is db.Model.metadata is metadata
        assert db.metadatas == {None: metadata}

    def test_metadata_beside_a_base_is_refused(self) -> None:
        with pytest.raises(ModelMetadataError, match="'Base' has its own"):
            SQLAlchemy(model_class=Base, metadata=MetaData())

    def test_without_automatic_names(self) -> None:
        db: Any = SQLAlchemy(disable_autonaming=True)

        class User(db.Model):  # type: ignore[misc]
            __tablename__ = "members"
            id: Mapped[int] = mapped_column(primary_key=True)

        class Guest(User):
            __mapper_args__ = {"polymorphic_identity": "guest"}

        assert set(db.metadata.tables) == {"members"}
        with pytest.raises(Exception, match="does not have a __table__"):
            type("Other", (db.Model,), {"id": Column(Integer, primary_key=True)})


class TestInheritance:
    async def test_a_subclass_with_a_key_has_a_table_of_its_own(self, tmp_path: Path) -> None:
        db: Any = SQLAlchemy()

        class User(db.Model):  # type: ignore[misc]
            id = Column(Integer, primary_key=True)
            name = Column(String(20))

        class Admin(User):
            id = Column(ForeignKey("user.id"), primary_key=True)
            title = Column(String(20))

        assert Admin.__tablename__ == "admin"
        async with serving(db, tmp_path):
            db.session.add_all([Admin(name="ada", title="boss"), User(name="bob")])
            await db.session.commit()
            assert [user.name for user in await User.query.order_by(User.id).all()] == [
                "ada",
                "bob",
            ]
            assert [admin.title for admin in await Admin.query.all()] == ["boss"]
            assert await Admin.query.count() == 1
            assert (await Admin.query.paginate(per_page=1)).total == 1

    def test_a_subclass_without_a_key_shares_the_table(self) -> None:
        db: Any = SQLAlchemy()

        class Animal(db.Model):  # type: ignore[misc]
            __tablename__ = "animals"
            id = Column(Integer, primary_key=True)
            kind = Column(String(10))
            __mapper_args__ = {"polymorphic_on": "kind"}

        class Dog(Animal):
            breed = Column(String(10))
            __mapper_args__ = {"polymorphic_identity": "dog"}

        class Puppy(Dog):
            __mapper_args__ = {"polymorphic_identity": "puppy"}

        assert Puppy.__table__ is Dog.__table__ is Animal.__table__
        assert Puppy.__tablename__ == "animals"
        assert set(db.metadata.tables) == {"animals"}
        assert "breed" in Animal.__table__.columns

    def test_a_name_from_a_mixin_or_an_abstract_parent_is_kept(self) -> None:
        db: Any = SQLAlchemy()

        class Named:
            __tablename__ = "named"

        class Abstract(db.Model):  # type: ignore[misc]
            __abstract__ = True
            id: Mapped[int] = mapped_column(primary_key=True)

            @declared_attr.directive
            def __tablename__(cls) -> str:
                return f"t_{cls.__name__.lower()}"

        class One(Named, db.Model):  # type: ignore[misc]
            id: Mapped[int] = mapped_column(primary_key=True)

        class Two(Abstract):
            pass

        assert (One.__tablename__, Two.__tablename__) == ("named", "t_two")
        assert set(db.metadata.tables) == {"named", "t_two"}


class TestOptions:
    async def test_a_query_class(self, tmp_path: Path) -> None:
        class Searching(Query[Any]):
            def named(self, name: str) -> Any:
                return self.filter_by(name=name)

        db: Any = SQLAlchemy(query_class=Searching)

        class User(db.Model):  # type: ignore[misc]
            id: Mapped[int] = mapped_column(primary_key=True)
            name: Mapped[str] = mapped_column(String(20))

        async with serving(db, tmp_path):
            db.session.add(User(name="ada"))
            await db.session.commit()
            assert (await User.query.named("ada").one()).id == 1
            assert await db.session.query(User).named("bob").all() == []

    async def test_a_session_class_and_its_options(self, tmp_path: Path) -> None:
        class Own(Session):
            pass

        db = SQLAlchemy(
            session_options={"class_": Own, "autoflush": False, "expire_on_commit": False}
        )
        async with serving(db, tmp_path):
            assert isinstance(db.session, Own)
            assert db.session.autoflush is False
            assert db.session() is db.session

    @pytest.mark.parametrize("option", ["scopefunc", "expire_on_commit", "class_"])
    def test_an_option_that_cannot_work_is_refused(self, option: str) -> None:
        with pytest.raises(SessionOptionError, match=f"'{option}' is not a session option here"):
            SQLAlchemy(session_options={option: str})

    async def test_the_shell_without_models(self, tmp_path: Path) -> None:
        for wanted in (True, False):
            app = Quart("tests", instance_path=str(tmp_path))
            app.config["SQLALCHEMY_DATABASE_URI"] = databases.uri(tmp_path)
            SQLAlchemy(app, add_models_to_shell=wanted)
            assert ("db" in app.make_shell_context()) is wanted

    async def test_the_app_knows_the_extension(self, tmp_path: Path) -> None:
        db = SQLAlchemy()
        async with serving(db, tmp_path) as app:
            assert app.extensions["sqlalchemy"] is db

    async def test_it_shows_its_databases(self, tmp_path: Path) -> None:
        db = SQLAlchemy()
        assert repr(db) == "<SQLAlchemy>"
        app = Quart("tests")
        app.config["SQLALCHEMY_DATABASE_URI"] = "mysql://ada:secret@localhost/crm"
        db.init_app(app)
        async with app.app_context():
            assert "ada:***@localhost" in repr(db)
            assert "secret" not in repr(db)

    async def test_outside_of_an_app_the_error_names_the_remedy(self) -> None:
        with pytest.raises(AppContextMissingError, match=r"async with app\.app_context\(\):"):
            await SQLAlchemy().dispose()


@pytest.mark.sqlite_only
class TestBinds:
    async def test_tables_of_some_binds(self, tmp_path: Path) -> None:
        db: Any = SQLAlchemy()

        class User(db.Model):  # type: ignore[misc]
            id: Mapped[int] = mapped_column(primary_key=True)

        class Log(db.Model):  # type: ignore[misc]
            __bind_key__ = "logs"
            id: Mapped[int] = mapped_column(primary_key=True)

        async def tables(key: str | None) -> list[str]:
            async with db.get_engine(key).connect() as connection:
                names: list[str] = await connection.run_sync(
                    lambda inner: inspect(inner).get_table_names()
                )
                return names

        binds = {"SQLALCHEMY_BINDS": {"logs": "sqlite:///logs.db"}}
        async with serving(db, tmp_path, **binds):
            assert db.get_engine(bind="logs") is db.get_engine("logs") is db.engines["logs"]
            await db.drop_all(bind_key="logs")
            assert (await tables(None), await tables("logs")) == (["user"], [])
            await db.create_all(bind_key=["logs"])
            await db.drop_all(bind_key=None)
            assert (await tables(None), await tables("logs")) == ([], ["log"])
            with pytest.raises(UnknownBindError):
                await db.create_all(bind_key="other")

    async def test_a_joined_subclass_is_in_the_database_of_its_parent(self, tmp_path: Path) -> None:
        db: Any = SQLAlchemy()

        class User(db.Model):  # type: ignore[misc]
            __bind_key__ = "people"
            id: Mapped[int] = mapped_column(primary_key=True)

        class Admin(User):
            id: Mapped[int] = mapped_column(ForeignKey(User.id), primary_key=True)
            title: Mapped[str] = mapped_column(String(20))

        assert "metadata" not in Admin.__dict__
        async with serving(db, tmp_path, SQLALCHEMY_BINDS={"people": "sqlite:///people.db"}):
            db.session.add(Admin(title="boss"))
            await db.session.commit()
            assert (await Admin.query.one()).title == "boss"
            assert await User.query.count() == 1

    def test_a_table_goes_before_a_bind_key(self) -> None:
        db: Any = SQLAlchemy()
        table = db.Table("user", Column("id", Integer, primary_key=True), bind_key="people")

        class User(db.Model):  # type: ignore[misc]
            __bind_key__ = "other"
            __table__ = table

        assert User.__table__.metadata is db.metadatas["people"]
        assert "other" not in db.metadatas

    def test_a_table_of_the_name_of_the_model_is_used(self) -> None:
        db: Any = SQLAlchemy()
        table = db.Table("user", Column("id", Integer, primary_key=True))

        class User(db.Model):  # type: ignore[misc]
            pass

        assert User.__table__ is table

    async def test_databases_by_bind_key_only(self, tmp_path: Path) -> None:
        db: Any = SQLAlchemy()

        class Log(db.Model):  # type: ignore[misc]
            __bind_key__ = "logs"
            id: Mapped[int] = mapped_column(primary_key=True)

        app = Quart("tests", instance_path=str(tmp_path))
        app.config["SQLALCHEMY_BINDS"] = {"logs": "sqlite:///logs.db"}
        db.init_app(app)
        async with app.test_app(), app.app_context():
            await db.create_all()
            async with db.transaction() as session:
                session.add(Log())
            assert await Log.query.count() == 1
            with pytest.raises(UnknownBindError, match="there is no default database"):
                await db.session.execute(text("SELECT 1"))

            class User(db.Model):  # type: ignore[misc]
                id: Mapped[int] = mapped_column(primary_key=True)

            with pytest.raises(UnknownBindError, match="'SQLALCHEMY_DATABASE_URI' is not set"):
                await db.create_all()

    async def test_tables_that_are_there_can_be_read(self, tmp_path: Path) -> None:
        db: Any = SQLAlchemy()
        async with serving(db, tmp_path):
            await db.session.execute(text("CREATE TABLE old (id INTEGER PRIMARY KEY, n INTEGER)"))
            await db.session.execute(text("INSERT INTO old (n) VALUES (7)"))
            await db.session.commit()
            await db.reflect()

            class Old(db.Model):  # type: ignore[misc]
                __table__ = db.metadata.tables["old"]

            assert (await Old.query.one()).n == 7


class TestOr404:
    async def test_loader_options_reach_get(self, tmp_path: Path) -> None:
        from .sqlalchemy_app import Post, User, db

        async with serving(db, tmp_path):
            db.session.add(User(name="ada", posts=[Post(title="one")]))
            await db.session.commit()
            db.session.expunge_all()
            ada = await db.get_or_404(User, 1, options=[selectinload(User.posts)])
            assert [post.title for post in ada.posts] == ["one"]

    @pytest.mark.parametrize("ident", [1, "1", (1,), {"id": 1}])
    async def test_loader_options_reach_an_object_in_memory(
        self, ident: Any, tmp_path: Path
    ) -> None:
        """Such as the current user: in Flask, lazy loading makes up for it."""
        from .sqlalchemy_app import Post, User, db

        async with serving(db, tmp_path):
            db.session.add(User(name="ada", posts=[Post(title="one"), Post(title="two")]))
            await db.session.commit()
            db.session.expunge_all()
            ada = await db.get_or_404(User, 1)
            ada.name = "Ada"
            again = await db.session.get(User, ident, options=[joinedload(User.posts)])
            assert again is ada
            assert ada.name == "Ada"
            assert [post.title for post in ada.posts] == ["one", "two"]
            db.session.expunge_all()
            await db.get_or_404(User, 1)
            ada = await db.session.get_one(User, 1, options=[selectinload(User.posts)])
            assert len(ada.posts) == 2
            assert await db.session.get(User, 9, options=[selectinload(User.posts)]) is None

    async def test_one_is_counted_after_the_limit_of_the_statement(self, tmp_path: Path) -> None:
        from .sqlalchemy_app import Post, User, db, sql

        async with serving(db, tmp_path):
            posts = [Post(title=title) for title in "abc"]
            db.session.add_all([User(name="ada", posts=posts), User(name="bob")])
            await db.session.commit()
            newest = select(User).order_by(User.id.desc()).limit(1)
            assert (await db.one_or_404(newest)).name == "bob"
            authors = select(User).join(User.posts)
            assert (await db.one_or_404(authors)).name == "ada"
            assert (await db.first_or_404(sql("SELECT name FROM {user} ORDER BY id"))) == "ada"  # type: ignore[arg-type]
