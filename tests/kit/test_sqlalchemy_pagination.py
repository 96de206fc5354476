"""Pages: in templates, from the URL, with and without a count."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from quart import Quart, render_template_string
from sqlalchemy import event, select
from werkzeug.exceptions import NotFound

from quarterdeck.sqlalchemy import Pagination

from .sqlalchemy_app import Event, db, make_app

pytestmark = pytest.mark.feature("D4")


@pytest.fixture(name="app")
async def _app(tmp_path: Path) -> AsyncIterator[Quart]:
    app = make_app(tmp_path)
    async with app.test_app(), app.app_context():
        await db.create_all()
        db.session.add_all([Event(kind=str(n)) for n in range(45)])
        await db.session.commit()
        yield app


def page(number: int, total: int | None = 100, per_page: int = 10) -> Pagination[int]:
    return Pagination(list(range(per_page)), page=number, per_page=per_page, total=total)


async def test_the_first_page(app: Quart) -> None:
    found = await Event.query.order_by(Event.id).paginate(page=1, per_page=20)
    assert [item.kind for item in found][:2] == ["0", "1"]
    assert (found.page, found.per_page, found.total, found.pages) == (1, 20, 45, 3)
    assert (found.has_prev, found.prev_num, found.has_next, found.next_num) == (
        False,
        None,
        True,
        2,
    )
    assert (found.first, found.last, len(found)) == (1, 20, 20)


async def test_the_last_page(app: Quart) -> None:
    found = await db.paginate(select(Event).order_by(Event.id), page=3, per_page=20)
    assert (found.first, found.last, len(found.items)) == (41, 45, 5)
    assert (found.has_next, found.next_num, found.prev_num) == (False, None, 2)


async def test_an_empty_first_page_is_no_error(app: Quart) -> None:
    found = await Event.query.filter_by(kind="none").paginate()
    assert (found.items, found.total, found.pages, found.first, found.last) == ([], 0, 0, 0, 0)
    assert list(found.iter_pages()) == []


@pytest.mark.parametrize("number", [0, -1, 4])
async def test_a_page_that_is_not_there_is_a_404(app: Quart, number: int) -> None:
    with pytest.raises(NotFound):
        await Event.query.paginate(page=number)


async def test_unless_asked_not_to(app: Quart) -> None:
    assert (await Event.query.paginate(page=0, error_out=False)).page == 1
    beyond = await Event.query.paginate(page=9, error_out=False)
    assert (beyond.items, beyond.total, beyond.has_prev) == ([], 45, True)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [1, 20]),
        ("?page=2", [2, 20]),
        ("?page=2&per_page=5", [2, 5]),
        ("?per_page=1000", [1, 100]),
        ("?page=two", 404),
        ("?page=0", 404),
        ("?per_page=-5", 404),
        ("?page=99999999999999999999999999", 404),
    ],
)
async def test_the_url_chooses_the_page(app: Quart, query: str, expected: Any) -> None:
    @app.get("/")
    async def index() -> Any:
        found = await Event.query.order_by(Event.id).paginate()
        return [found.page, found.per_page]

    response = await app.test_client().get("/" + query)
    if expected == 404:
        assert response.status_code == 404
    else:
        assert await response.get_json() == expected


async def test_without_a_count_the_next_page_is_still_known(app: Quart) -> None:
    first = await Event.query.order_by(Event.id).paginate(page=1, per_page=20, count=False)
    assert (first.total, len(first.items), first.has_next) == (None, 20, True)
    last = await Event.query.order_by(Event.id).paginate(page=3, per_page=20, count=False)
    assert (len(last.items), last.has_next) == (5, False)


async def test_the_last_page_is_not_counted(app: Quart) -> None:
    statements: list[str] = []
    engine = db.engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    await Event.query.order_by(Event.id).paginate(page=3, per_page=20)
    assert len(statements) == 1


async def test_it_can_use_another_session(app: Quart) -> None:
    async with db.new_session() as session:
        found = await db.paginate(select(Event), session=session)
        assert found.items[0] in session


async def test_a_template_needs_no_await(app: Quart) -> None:
    template = (
        "{% for item in page %}{{ item.kind }} {% endfor %}| {% for n in page.iter_pages() %}"
        "{{ n or '...' }} {% endfor %}| {{ page.prev_num }} {{ page.next_num }}"
    )
    found = await Event.query.order_by(Event.id).paginate(page=2, per_page=3)
    text = await render_template_string(template, page=found)
    assert text == "3 4 5 | 1 2 3 4 5 6 ... 14 15 | 1 3"


@pytest.mark.parametrize(
    ("number", "total", "expected"),
    [
        (1, 10, [1]),
        (1, 30, [1, 2, 3]),
        (1, 200, [1, 2, 3, 4, 5, None, 19, 20]),
        (7, 200, [1, 2, None, 5, 6, 7, 8, 9, 10, 11, None, 19, 20]),
        (20, 200, [1, 2, None, 18, 19, 20]),
    ],
)
def test_the_pages_to_show(number: int, total: int, expected: list[int | None]) -> None:
    assert list(page(number, total).iter_pages()) == expected


def test_the_edges_can_be_chosen() -> None:
    pages = page(10, 200).iter_pages(left_edge=1, left_current=1, right_current=1, right_edge=0)
    assert list(pages) == [1, None, 9, 10, 11]


def test_it_tells_itself_apart() -> None:
    assert bool(Pagination([], page=1, per_page=5, total=0)) is True
    assert repr(page(2)) == "<Pagination page=2 of 10, total=100>"
