"""The methods of ``Query`` that Flask applications of all ages use, with ``await`` added."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import func, select, text
from sqlalchemy.exc import MultipleResultsFound
from sqlalchemy.orm import aliased

from quarterdeck.exceptions import BulkQueryError, QueryNotIterableError
from quarterdeck.sqlalchemy import Query

from .sqlalchemy_app import Post, User, db, make_app, sql

pytestmark = pytest.mark.feature("D4")


@pytest.fixture(autouse=True)
async def _app(tmp_path: Path) -> AsyncIterator[Quart]:
    app = make_app(tmp_path)
    async with app.test_app(), app.app_context():
        await db.create_all()
        for n, name in enumerate(["ada", "bob", "cid", "dan"]):
            db.session.add(User(name=name, balance=n, posts=[Post(title=f"{name} 1")]))
        await db.session.commit()
        db.session.expunge_all()
        yield app


def named(*names: str) -> Query[User]:
    return User.query.filter(User.name.in_(names))


async def names(query: Any) -> list[str]:
    return [user.name for user in await query.all()]


async def test_a_slice_is_a_list() -> None:
    query = User.query.order_by(User.name)
    assert [user.name for user in await query[1:3]] == ["bob", "cid"]
    assert [user.name for user in await query[:2]] == ["ada", "bob"]
    assert [user.name for user in await query[3:]] == ["dan"]
    assert await query[3:1] == []
    assert (await query[2]).name == "cid"
    assert await names(query.slice(1, 2)) == ["bob"]


async def test_a_position_that_is_not_there() -> None:
    query = User.query.order_by(User.name)
    with pytest.raises(IndexError):
        await query[9]
    for wrong in (lambda: query[-1], lambda: query[:-1], lambda: query[::2]):
        with pytest.raises(IndexError):
            await wrong()


async def test_a_plain_loop_names_the_remedy() -> None:
    with pytest.raises(QueryNotIterableError, match=r"await query\.all\(\)"):
        list(User.query)


async def test_one_value() -> None:
    assert await db.session.query(func.count(User.id)).scalar() == 4
    assert await named("bob").with_entities(User.balance).scalar() == 1
    assert await named("zoe").with_entities(User.balance).scalar() is None
    with pytest.raises(MultipleResultsFound):
        await User.query.with_entities(User.balance).scalar()


async def test_a_query_from_the_session() -> None:
    assert await names(db.session.query(User).filter_by(name="ada")) == ["ada"]
    rows = await db.session.query(User.name, User.balance).order_by(User.id).all()
    assert [tuple(row) for row in rows][:2] == [("ada", 0), ("bob", 1)]
    rows = await db.session.query(User, Post).join(User.posts).order_by(User.id).all()
    assert [(user.name, post.title) for user, post in rows][:1] == [("ada", "ada 1")]
    other = aliased(User)
    assert (await db.session.query(other).filter(other.name == "cid").one()).balance == 2
    assert (await db.session.query(User).get_or_404(1)).name == "ada"
    assert [column["name"] for column in db.session.query(User.id).column_descriptions] == ["id"]


async def test_further_columns() -> None:
    rows = await named("bob").join(User.posts).add_columns(Post.title).all()
    assert [(user.name, title) for user, title in rows] == [("bob", "bob 1")]


async def test_the_table_to_start_from() -> None:
    query = User.query.select_from(Post).join(Post.author).filter(Post.title == "cid 1")
    assert await names(query) == ["cid"]
    counted = db.session.query(func.count()).select_from(Post)
    assert await counted.scalar() == 4


async def test_members_of_an_object() -> None:
    bob = await named("bob").one()
    posts = Post.query.with_parent(bob, User.posts)
    assert [post.title for post in await posts.all()] == ["bob 1"]
    latest = User.query.with_transformation(lambda query: query.order_by(User.id.desc()).limit(1))
    assert await names(latest) == ["dan"]


COMBINED: dict[str, Callable[[], Query[User]]] = {
    "ada bob cid": lambda: named("ada", "bob").union(named("bob", "cid")),
    "ada bob cid dan": lambda: named("ada").union_all(named("bob", "cid"), named("dan")),
    "bob": lambda: named("ada", "bob").intersect(named("bob", "cid")),
    "ada": lambda: named("ada", "bob").except_(named("bob", "cid")),
    "ada dan": lambda: (
        User.query.order_by(User.id).limit(1).union(User.query.order_by(User.id.desc()).limit(1))
    ),
}


@pytest.mark.parametrize("expected", COMBINED)
async def test_queries_are_combined(expected: str) -> None:
    query = COMBINED[expected]()
    assert await names(query.order_by(User.name)) == expected.split()
    assert await query.count() == len(expected.split())
    assert await names(query.filter(User.name == "ada")) == (["ada"] if "ada" in expected else [])


async def test_columns_are_combined() -> None:
    first = named("ada", "bob").with_entities(User.name)
    both = first.union_all(named("ada").with_entities(User.name))
    assert sorted(row[0] for row in await both.all()) == ["ada", "ada", "bob"]


async def test_a_query_inside_another() -> None:
    rich = User.query.filter(User.balance > 1).with_entities(User.id)
    assert await names(User.query.filter(User.id.in_(rich.subquery().select()))) == ["cid", "dan"]
    table = User.query.with_entities(User.id, User.name).subquery("people")
    assert table.name == "people"
    found = await db.session.scalars(select(table.c.name).order_by(table.c.id))
    assert list(found)[:2] == ["ada", "bob"]
    common = rich.cte("rich")
    assert await db.session.scalar(select(func.count()).select_from(common)) == 2
    most = User.query.with_entities(func.max(User.balance)).scalar_subquery()
    assert await names(User.query.filter(User.balance == most)) == ["dan"]
    rows = (
        await db.session.query(
            User.name, User.query.with_entities(func.max(User.balance)).label("most")
        )
        .order_by(User.id)
        .all()
    )
    assert tuple(rows[0]) == ("ada", 3)


async def test_texts_and_hints() -> None:
    query = User.query.filter(text("balance > :least")).params(least=2)
    assert await names(query) == ["dan"]
    assert query.whereclause is not None
    assert "SELECT DISTINCT" in str(User.query.prefix_with("DISTINCT"))
    statement = sql("SELECT id, name FROM {user} WHERE name = 'bob'").columns(User.id, User.name)
    assert await names(User.query.from_statement(statement)) == ["bob"]


async def test_objects_can_be_read_again() -> None:
    ada = await User.query.filter_by(name="ada").one()
    await db.session.execute(sql("UPDATE {user} SET balance = 7 WHERE name = 'ada'"))
    assert (await User.query.filter_by(name="ada").one()).balance == 0
    await User.query.filter_by(name="ada").populate_existing().one()
    assert ada.balance == 7


async def test_a_bulk_change_that_leaves_objects_alone() -> None:
    ada = await User.query.filter_by(name="ada").one()
    changed = await User.query.filter_by(name="ada").update(
        {"balance": 9}, synchronize_session=False
    )
    assert (changed, ada.balance) == (1, 0)
    assert await User.query.filter_by(name="ada").update({User.balance: 8}) == 1
    assert ada.balance == 8
    assert await Post.query.delete(synchronize_session=False) == 4
    assert await User.query.filter_by(name="bob").delete("fetch") == 1


async def test_a_bulk_change_of_columns_is_refused() -> None:
    with pytest.raises(BulkQueryError):
        await db.session.query(User.name).update({"name": "x"})
    with pytest.raises(BulkQueryError):
        await db.session.query(User.name).delete()
