"""Pages that begin where another one ended."""

from __future__ import annotations

import base64
import enum
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import Enum, String, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.sql.operators import desc_op
from werkzeug.exceptions import NotFound

from quarterdeck.sqlalchemy import (
    ExactDecimal,
    Keys,
    ModelMixin,
    Pagination,
    SQLAlchemy,
    UTCDateTime,
)
from quarterdeck.testing import recorded_statements
from tests import databases

pytestmark = pytest.mark.feature("D4")


class Model(ModelMixin, DeclarativeBase):
    """The base of the model below."""


db = SQLAlchemy(model_class=Model)


class Size(enum.Enum):
    SMALL = "S"
    LARGE = "L"


class Parcel(Model):
    """A row with a column of each kind to sort by; many values are there several times."""

    id: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[Size] = mapped_column(Enum(Size, native_enum=False))
    native: Mapped[Size | None]
    day: Mapped[date]
    at: Mapped[datetime] = mapped_column(UTCDateTime())
    weight: Mapped[Decimal] = mapped_column(ExactDecimal(9, 3))
    place: Mapped[str | None] = mapped_column(String(20))


COLUMNS = [Parcel.id, Parcel.size, Parcel.day, Parcel.at, Parcel.weight, Parcel.place]


@pytest.fixture(autouse=True)
async def app(tmp_path: Path) -> AsyncIterator[Quart]:
    app = Quart("tests", instance_path=str(tmp_path))
    app.config["SQLALCHEMY_DATABASE_URI"] = databases.uri(tmp_path)
    db.init_app(app)
    async with app.test_app(), app.app_context():
        await db.create_all()
        start = datetime(2026, 1, 1, tzinfo=UTC)
        db.session.add_all(
            Parcel(
                size=list(Size)[n % 2],
                day=date(2026, 1, 1 + n % 5),
                at=start + timedelta(microseconds=n // 2),
                weight=Decimal(n % 7).scaleb(-3),
                place=None if n % 3 == 0 else f"Place {n % 4}",
            )
            for n in range(23)
        )
        await db.session.commit()
        yield app


async def everything(by: list[Any]) -> Sequence[Parcel]:
    """Return all rows, where NULL sorts before all values on every database."""
    order = []
    for key in by:
        is_value = key.element.is_not(None)
        order += [is_value.desc() if key.modifier is desc_op else is_value.asc(), key]
    return (await db.session.scalars(select(Parcel).order_by(*order))).all()


async def page(by: list[Any], **options: Any) -> Pagination[Parcel]:
    return await db.paginate(select(Parcel), by=by, per_page=4, error_out=False, **options)


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.key)
@pytest.mark.parametrize("descending", [False, True])
async def test_cursors_lead_through_everything_and_back(column: Any, descending: bool) -> None:
    columns = [column] if column is Parcel.id else [column, Parcel.id]
    by = [c.desc() if descending else c.asc() for c in columns]
    expected = await everything(by)

    pages = [await page(by, page=1)]
    while pages[-1].has_next:
        pages.append(await page(by, page=len(pages) + 1, after=pages[-1].after))
    assert [parcel.id for found in pages for parcel in found] == [parcel.id for parcel in expected]

    for before, now in zip(pages[-2::-1], pages[:0:-1], strict=True):
        back = await page(by, page=before.page, before=now.before)
        assert (back.items, back.has_next) == (before.items, True)


async def test_a_native_enum_is_refused() -> None:
    with pytest.raises(ValueError, match="'native' - MySQL orders an ENUM by number"):
        await page([Parcel.native, Parcel.id])


async def test_where_null_sorts_is_no_choice() -> None:
    with pytest.raises(ValueError, match="'place' - NULL sorts before all values"):
        await page([Parcel.place.desc().nulls_last(), Parcel.id])


async def test_a_cursor_outlives_the_row_that_it_names() -> None:
    by = [Parcel.weight, Parcel.id]
    first, second = await page(by), await page(by, page=2)
    await db.session.delete(first.items[-1])
    await db.session.commit()

    assert (await page(by, page=2, after=first.after)).items == second.items


@pytest.mark.parametrize("cursor", ["x", "W10", "WzEsMl0", "bnVsbA", "eyJhIjoxfQ", "é", "Wzw"])
async def test_what_is_no_cursor_of_the_list_is_not_found(cursor: str) -> None:
    with pytest.raises(NotFound):
        await page([Parcel.day, Parcel.id], after=cursor)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (Parcel.id, 10**30),
        (Parcel.weight, "NaN"),
        (Parcel.weight, "0.0001"),
        (Parcel.at, "2026-01-01T00:00:00"),
        (Parcel.day, "2026-02-30"),
        (Parcel.place, "\ud800"),
        (Parcel.place, "\0"),
    ],
)
async def test_a_value_that_the_column_cannot_hold_is_not_found(column: Any, value: Any) -> None:
    raw = json.dumps([value, 1]).encode()
    with pytest.raises(NotFound):
        await page([column, Parcel.id], after=base64.urlsafe_b64encode(raw).decode())


async def test_columns_in_both_directions() -> None:
    by: list[Any] = [Parcel.day.desc(), Parcel.place.asc(), Parcel.id.desc()]
    expected = await everything(by)

    pages = [await page(by, page=1)]
    while pages[-1].has_next:
        pages.append(await page(by, page=len(pages) + 1, after=pages[-1].after))

    assert [parcel for found in pages for parcel in found] == list(expected)
    assert (await page(by, page=1, before=pages[1].before)).items == pages[0].items


async def test_a_list_without_columns_has_no_cursors() -> None:
    with pytest.raises(ValueError, match="needs at least one column"):
        Keys([])


async def test_the_position_of_a_row_may_be_given() -> None:
    by = [func.coalesce(Parcel.place, "").asc(), Parcel.id.asc()]

    def position(parcel: Parcel) -> tuple[str, int]:
        return parcel.place or "", parcel.id

    seen: list[int] = []
    after = None
    while True:
        found = await page(by, page=1, after=after, position=position)
        seen += [parcel.id for parcel in found]
        after = found.after
        if not found.has_next:
            break

    assert sorted(seen) == list(range(1, 24))


async def test_a_cursor_behind_which_all_rows_were_deleted_has_an_empty_page() -> None:
    by = [Parcel.id.asc()]
    first = await page(by)
    for parcel in await db.session.scalars(select(Parcel).where(Parcel.id > 4)):
        await db.session.delete(parcel)
    await db.session.commit()

    found = await db.paginate(select(Parcel), by=by, per_page=4, page=2, after=first.after)

    assert (found.items, found.has_next, found.after) == ([], False, None)


@pytest.mark.parametrize(
    ("count", "total", "is_exact", "pages"),
    [(10, 10, False, 3), (23, 23, True, 6), (99, 23, True, 6)],
)
async def test_counting_stops_at_a_number(
    count: int, total: int, is_exact: bool, pages: int
) -> None:
    found = await page([Parcel.id], page=1, count=count)

    assert (found.total, found.is_total_exact, found.pages) == (total, is_exact, pages)
    assert found.has_next


async def test_there_are_pages_beyond_those_that_were_counted() -> None:
    found = await page([Parcel.id], page=5, count=10)

    assert (found.page, found.pages, found.has_next) == (5, 3, True)


async def test_counting_reads_the_key_alone(app: Quart) -> None:
    with recorded_statements(db, app) as statements:
        await page([Parcel.id], page=1, count=10)

    assert "weight" in statements[0]
    assert "weight" not in statements[1]
    assert "LIMIT" in statements[1]
