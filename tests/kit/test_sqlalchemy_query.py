"""``Model.query``, ``select()`` and the awaited helpers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import assert_type

import pytest
from quart import Quart
from sqlalchemy import func, select
from sqlalchemy.exc import MultipleResultsFound, NoResultFound
from sqlalchemy.orm import joinedload, selectinload
from werkzeug.exceptions import NotFound

from quarterdeck.exceptions import BulkQueryError
from quarterdeck.sqlalchemy import Pagination, Query

from .sqlalchemy_app import Event, Post, User, add_users, db, make_app

pytestmark = pytest.mark.feature("D4")


@pytest.fixture(autouse=True)
async def _app(tmp_path: Path) -> AsyncIterator[Quart]:
    app = make_app(tmp_path)
    async with app.test_app(), app.app_context():
        await db.create_all()
        await add_users("Ada", "Grace", "Edsger")
        yield app


async def names(query: Query[User]) -> list[str]:
    return [user.name for user in await query.all()]


async def test_the_chain_filters_sorts_and_cuts() -> None:
    query = User.query.filter(User.name != "Edsger").order_by(User.name.desc())
    assert await names(query) == ["Grace", "Ada"]
    assert await names(query.limit(1)) == ["Grace"]
    assert await names(query.offset(1)) == ["Ada"]
    assert await names(query.order_by(None).order_by(User.name)) == ["Ada", "Grace"]
    assert await names(User.query.filter_by(name="Ada")) == ["Ada"]
    assert await names(User.query.where(User.name.like("%e%")).order_by(User.id)) == [
        "Grace",
        "Edsger",
    ]


async def test_a_query_is_not_changed_by_its_methods() -> None:
    query = User.query
    query.filter_by(name="Ada")
    assert await query.count() == 3


async def test_first_get_and_one() -> None:
    ada = await User.query.order_by(User.id).first()
    assert ada is not None
    assert ada.name == "Ada"
    assert await User.query.get(ada.id) is ada
    assert await User.query.get(99) is None
    assert await User.query.filter_by(name="Nobody").first() is None
    assert await User.query.filter_by(name="Ada").one() is ada
    assert await User.query.filter_by(name="Nobody").one_or_none() is None
    with pytest.raises(NoResultFound):
        await User.query.filter_by(name="Nobody").one()
    with pytest.raises(MultipleResultsFound):
        await User.query.one_or_none()


async def test_get_honours_options_and_filters() -> None:
    with_posts = User.query.options(selectinload(User.posts))
    assert (await with_posts.get_or_404(1)).posts == []
    assert await User.query.filter_by(name="Grace").get(1) is None
    assert await User.query.filter_by(name="Ada").get((1,)) is not None


async def test_a_lock_reads_anew() -> None:
    ada = await User.query.get_or_404(1)
    async with db.new_session() as session, session.transaction():
        await User.query.with_session(session).filter_by(id=1).update({"balance": 3})
    assert ada.balance == 0
    assert await User.query.with_for_update().get(1) is ada
    assert ada.balance == 3


async def test_what_is_missing_is_a_404() -> None:
    nobody = User.query.filter_by(name="Nobody")
    attempts: list[Callable[[], Awaitable[User]]] = [
        nobody.first_or_404,
        nobody.one_or_404,
        User.query.one_or_404,  # several
        lambda: User.query.get_or_404(99),
        lambda: User.query.get_or_404(10**30),
        lambda: User.query.options(selectinload(User.posts)).get_or_404(10**30),
        lambda: User.query.options(selectinload(User.posts)).get_or_404("one"),
        lambda: User.query.get_or_404("1\0"),
        lambda: User.query.get_or_404("²"),
        lambda: db.get_or_404(User, 99),
        lambda: db.first_or_404(select(User).filter_by(name="Nobody")),
        lambda: db.one_or_404(select(User)),
    ]
    for missing in attempts:
        with pytest.raises(NotFound):
            await missing()
    with pytest.raises(NotFound, match="Who is that"):
        await User.query.get_or_404(99, "Who is that?")


async def test_the_404_helpers_return_what_they_find() -> None:
    ada = await User.query.get_or_404(1)
    assert ada is await User.query.filter_by(name="Ada").first_or_404()
    assert ada is await User.query.filter_by(name="Ada").one_or_404()
    assert ada is await db.get_or_404(User, 1)
    assert ada is await db.get_or_404(User, "1")  # as in a cookie
    assert ada is await User.query.options(selectinload(User.posts)).get_or_404("1")
    assert ada is await db.first_or_404(select(User).order_by(User.id))
    assert ada is await db.one_or_404(select(User).filter_by(name="Ada"))


async def test_counting_and_existence() -> None:
    assert await User.query.count() == 3
    assert await User.query.filter(User.id > 1).order_by(User.id).count() == 2
    assert await User.query.limit(2).count() == 2
    assert await User.query.filter_by(name="Ada").exists() is True
    assert await User.query.filter_by(name="Nobody").exists() is False


async def test_counting_does_not_multiply_by_what_is_loaded_along() -> None:
    ada = await User.query.get_or_404(1)
    db.session.add_all([Post(title=str(n), author_id=ada.id) for n in range(3)])
    await db.session.commit()
    query = User.query.options(joinedload(User.posts))
    assert await query.count() == 3
    assert len(await query.all()) == 3


async def test_joins() -> None:
    db.session.add_all([Post(title="Notes", author_id=1), Post(title="Compilers", author_id=2)])
    await db.session.commit()
    assert await names(User.query.join(User.posts).filter(Post.title == "Notes")) == ["Ada"]
    assert await User.query.join(Post, Post.author_id == User.id).count() == 2
    without = User.query.outerjoin(User.posts).filter(Post.id.is_(None))
    assert await names(without) == ["Edsger"]


async def test_groups_are_rows() -> None:
    db.session.add_all([Event(kind="login"), Event(kind="login"), Event(kind="logout")])
    await db.session.commit()
    kinds = Event.query.with_entities(Event.kind, func.count()).group_by(Event.kind)
    assert [tuple(row) for row in await kinds.order_by(Event.kind).all()] == [
        ("login", 2),
        ("logout", 1),
    ]
    often = await kinds.having(func.count() > 1).one()
    assert often.kind == "login"
    assert await Event.query.with_entities(Event.kind).distinct().count() == 2


async def test_bulk_update_and_delete() -> None:
    assert await User.query.filter(User.id > 1).update({"balance": 5}) == 2
    assert await User.query.filter_by(name="Grace").update({User.balance: User.balance + 1}) == 1
    assert await User.query.filter_by(balance=5).delete() == 1
    await db.session.commit()
    balances = User.query.order_by(User.id).with_entities(User.name, User.balance)
    assert [tuple(row) for row in await balances.all()] == [("Ada", 0), ("Grace", 6)]
    assert await User.query.delete() == 2


async def test_a_bulk_update_reaches_objects_in_hand() -> None:
    ada = await User.query.get_or_404(1)
    await User.query.filter_by(name="Ada").update({"balance": 7})
    assert ada.balance == 7


@pytest.mark.parametrize(
    "query",
    [
        User.query.limit(1),
        User.query.join(User.posts),
        User.query.distinct(),
        User.query.group_by(User.name),
    ],
    ids=["limit", "join", "distinct", "group"],
)
async def test_bulk_changes_take_filters_only(query: Query[User]) -> None:
    with pytest.raises(BulkQueryError, match=r"query\.delete\(\)"):
        await query.delete()
    with pytest.raises(BulkQueryError, match=r"query\.update\(\)"):
        await query.update({"balance": 1})


async def test_the_text_of_a_query_is_sql() -> None:
    assert str(User.query.filter_by(name="Ada").limit(5)).split("WHERE")[1].split() == (
        ['"user".name', "=", ":name_1", "LIMIT", ":param_1"]
    )


def test_a_query_shows_its_model() -> None:
    assert repr(User.query) == "<Query of User>"


async def test_a_query_can_be_iterated() -> None:
    assert [user.name async for user in User.query.order_by(User.id)] == [
        "Ada",
        "Grace",
        "Edsger",
    ]
    rows = User.query.with_entities(User.name).order_by(User.id)
    assert [row.name async for row in rows] == ["Ada", "Grace", "Edsger"]


async def test_a_query_can_run_in_another_session() -> None:
    async with db.new_session() as session:
        ada = await User.query.with_session(session).get_or_404(1)
        assert ada in session
        assert await User.query.with_session(session).filter_by(name="Ada").count() == 1


async def test_options_lock_and_execution_options() -> None:
    query = User.query.options(selectinload(User.posts)).with_for_update()
    user = await query.execution_options(populate_existing=True).filter_by(name="Ada").one()
    assert user.posts == []


async def test_select_style() -> None:
    users = await db.session.scalars(select(User).order_by(User.name).limit(2))
    assert [user.name for user in users] == ["Ada", "Edsger"]


async def test_type_checkers_know_the_results() -> None:
    assert_type(await User.query.all(), list[User])
    assert_type(await User.query.filter_by(name="Ada").first(), User | None)
    assert_type(await User.query.get_or_404(1), User)
    assert_type(await User.query.paginate(), Pagination[User])
    assert_type(await db.get_or_404(User, 1), User)
    assert_type(await db.first_or_404(select(User)), User)
    assert_type(await db.paginate(select(User)), Pagination[User])
    user = await User.query.get_or_404(1)
    assert_type(user.events.filter_by(kind="login"), Query[Event])
    assert_type(await user.events.all(), list[Event])
