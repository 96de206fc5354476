"""Pages of statements that join collections: each object once, on one page, counted once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import (
    ForeignKey,
    ForeignKeyConstraint,
    Select,
    String,
    desc,
    func,
    label,
    select,
    text,
)
from sqlalchemy.orm import (
    Mapped,
    aliased,
    contains_eager,
    joinedload,
    mapped_column,
    relationship,
)
from werkzeug.exceptions import NotFound

from quarterdeck.exceptions import PageDetachedError
from quarterdeck.sqlalchemy import Pagination, SQLAlchemy
from quarterdeck.sqlalchemy.distinct import repeats

from .sqlalchemy_app import Model, Post, User, db, make_app

pytestmark = pytest.mark.feature("D4")


class Reading(Model):
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    marks: Mapped[list[Mark]] = relationship()


class Mark(Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int]
    number: Mapped[int]
    __table_args__ = (
        ForeignKeyConstraint(["user_id", "number"], ["reading.user_id", "reading.number"]),
    )


@pytest.fixture(name="app")
async def _app(tmp_path: Path) -> AsyncIterator[Quart]:
    """25 users; each has two posts, the later ones with earlier titles."""
    app = make_app(tmp_path)
    async with app.test_app(), app.app_context():
        await db.create_all()
        for n in range(25):
            posts = [Post(title=f"{50 - n:02}"), Post(title=f"{90 - n:02}")]
            db.session.add(User(name=f"u{n:02}", posts=posts))
        await db.session.commit()
        db.session.expunge_all()
        yield app


async def walk(statement: Select[Any], **options: Any) -> list[Pagination[Any]]:
    page = await db.paginate(statement, page=1, per_page=10, **options)
    pages = [page]
    while page.has_next:
        page = await page.next()
        pages.append(page)
    return pages


def names(pages: list[Pagination[Any]]) -> list[str]:
    return [item.name for page in pages for item in page]


NAMES = [f"u{n:02}" for n in range(25)]
JOINED = select(User).join(User.posts)
STATEMENTS = {
    "relationship": JOINED.order_by(User.id),
    "table": select(User).join(Post, Post.author_id == User.id).order_by(User.name),
    "outer": select(User).outerjoin(User.posts).order_by(User.id),
    "implicit": select(User).where(User.id == Post.author_id).order_by(User.id),
    "from the other side": select(User).select_from(Post).join(Post.author).order_by(User.id),
    "by the collection": JOINED.order_by(Post.title.desc()),
    "by an expression": JOINED.order_by(func.length(User.name), desc(Post.title)),
    "by a label": JOINED.order_by(label("title", Post.title).desc()),
    "by a name": JOINED.order_by("name"),
    "by a text": JOINED.order_by(text("name")),
    "filtered": JOINED.where(Post.title > "00").order_by(User.id),
}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
async def test_no_object_is_lost_and_each_page_has_the_same_total(
    app: Quart, statement: Select[Any]
) -> None:
    pages = await walk(statement)
    assert [(len(page), page.total, page.pages) for page in pages] == [
        (10, 25, 3),
        (10, 25, 3),
        (5, 25, 3),
    ]
    assert names(pages) == NAMES


async def test_an_alias_is_paged_as_well(app: Quart) -> None:
    other = aliased(User)
    statement = select(other).join(Post, Post.author_id == other.id).order_by(other.id)
    assert names(await walk(statement)) == NAMES


async def test_the_joined_collection_can_be_loaded_with_the_page(app: Quart) -> None:
    statement = JOINED.options(contains_eager(User.posts)).order_by(User.id, Post.title)
    pages = await walk(statement)
    assert names(pages) == NAMES
    assert [post.title for post in pages[0].items[0].posts] == ["50", "90"]


async def test_eager_loading_counts_objects_too(app: Quart) -> None:
    pages = await walk(select(User).options(joinedload(User.posts)).order_by(User.id))
    assert (names(pages), pages[0].total, len(pages[0].items[0].posts)) == (NAMES, 25, 2)


async def test_pages_by_cursor(app: Quart) -> None:
    pages = await walk(JOINED, by=[User.name, User.id])
    assert [(len(page), page.total) for page in pages] == [(10, 25), (10, 25), (5, 25)]
    assert names(pages) == NAMES
    back = await pages[2].prev()
    assert (back.page, names([back])) == (2, NAMES[10:20])


async def test_a_key_of_several_columns(app: Quart) -> None:
    db.session.add_all(
        Reading(user_id=1, number=n, marks=[Mark(), Mark(), Mark()]) for n in range(12)
    )
    await db.session.commit()
    statement = select(Reading).join(Reading.marks).order_by(Reading.number.desc())
    pages = await walk(statement)
    assert [item.number for page in pages for item in page] == list(range(11, -1, -1))
    assert [page.total for page in pages] == [12, 12]


async def test_the_count_can_stop_early(app: Quart) -> None:
    page = await db.paginate(JOINED.order_by(User.id), page=1, per_page=10, count=12)
    assert (page.total, page.is_total_exact, page.has_next) == (12, False, True)


async def test_equal_values_of_a_column_are_all_there(app: Quart) -> None:
    pages = await walk(select(User.balance).order_by(User.id))
    assert [len(page) for page in pages] == [10, 10, 5]


async def test_a_query_for_columns_gives_rows(app: Quart) -> None:
    rows = User.query.with_entities(User.id, User.name).order_by(User.id)
    page = await rows.paginate(page=3, per_page=10)
    assert [tuple(row) for row in page][-1] == (25, "u24")


PLAIN = {
    "no join": select(User),
    "to one": select(Post).join(Post.author).where(User.name == "u01"),
    "to one, by table": select(Post).join(User, User.id == Post.author_id),
    "a subquery": select(User).where(User.id.in_(select(Post.author_id))),
    "grouped": JOINED.group_by(User.id),
    "distinct": JOINED.distinct(),
}


@pytest.mark.parametrize("statement", PLAIN.values(), ids=PLAIN)
def test_joins_to_one_cost_no_second_statement(statement: Select[Any]) -> None:
    assert repeats(statement, statement.column_descriptions[0]["entity"]) is False


async def test_neighbours_of_a_page(app: Quart) -> None:
    page = await User.query.order_by(User.id).paginate(page=2, per_page=50, max_per_page=10)
    assert (page.per_page, page.max_per_page) == (10, 10)
    following, previous = await page.next(), await page.prev()
    assert (following.page, len(following), following.per_page) == (3, 5, 10)
    assert (previous.page, previous.total) == (1, 25)
    beyond = await following.next()
    assert (beyond.page, beyond.items) == (4, [])
    with pytest.raises(NotFound):
        await following.next(error_out=True)
    with pytest.raises(NotFound):
        await previous.prev(error_out=True)
    assert (await previous.prev()).page == 1


async def test_a_page_made_by_hand_has_no_neighbours() -> None:
    with pytest.raises(PageDetachedError, match=r"db\.paginate"):
        await Pagination([1], page=1, per_page=1, total=2).next()


async def test_inheritance_by_joined_tables(tmp_path: Path) -> None:
    own: Any = SQLAlchemy()

    class Pet(own.Model):  # type: ignore[misc]
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = mapped_column(String(10))

    class Cat(Pet):
        id: Mapped[int] = mapped_column(ForeignKey("pet.id"), primary_key=True)

    assert repeats(select(Cat).where(Cat.name == "Tom"), Cat) is False
