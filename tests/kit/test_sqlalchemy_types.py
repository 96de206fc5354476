"""Column types that keep exactly what they are given."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quart import Quart
from sqlalchemy import case, func, select
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from quarterdeck.exceptions import (
    InexactArithmeticError,
    InexactDecimalError,
    NaiveDatetimeError,
)
from quarterdeck.sqlalchemy import ExactDecimal, ModelMixin, SQLAlchemy, UTCDateTime
from tests import databases


class Model(ModelMixin, DeclarativeBase):
    """The base of the model below."""


db = SQLAlchemy(model_class=Model)


class Line(Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    price: Mapped[Decimal] = mapped_column(ExactDecimal(15, 3))
    discount: Mapped[Decimal] = mapped_column(ExactDecimal(4, 3), default=Decimal(0))
    amount: Mapped[Decimal | None] = mapped_column(ExactDecimal(18, 6))
    quantity: Mapped[int] = mapped_column(default=1)
    at: Mapped[datetime | None] = mapped_column(UTCDateTime())


@pytest.fixture(autouse=True)
async def _app(tmp_path: Path) -> AsyncIterator[Quart]:
    app = Quart("tests", instance_path=str(tmp_path))
    app.config["SQLALCHEMY_DATABASE_URI"] = databases.uri(tmp_path)
    db.init_app(app)
    async with app.test_app(), app.app_context():
        await db.create_database()
        await db.create_all()
        yield app


async def save(**values: Any) -> None:
    async with db.transaction() as session:
        session.add(Line(**{"price": Decimal(1)} | values))
    session.expunge_all()


async def scalar(expression: Any) -> Any:
    return await db.session.scalar(select(expression))


class TestExactDecimal:
    async def test_it_comes_back_as_it_went_in(self) -> None:
        await save(price=Decimal("1234567890.125"), amount=Decimal("-0.000001"))
        line = await Line.query.one()
        assert line.price == Decimal("1234567890.125")
        assert str(line.amount) == "-0.000001"

    async def test_sums_are_exact(self) -> None:
        for _ in range(10):
            await save(price=Decimal("0.1"))
        total = await scalar(func.sum(Line.price))
        assert total == 1
        assert isinstance(total, Decimal)
        assert await scalar(func.sum(Line.price) == 1)

    async def test_comparison_and_order_are_those_of_numbers(self) -> None:
        for price in ("9", "10", "-1", "9.5"):
            await save(price=Decimal(price))
        ordered = Line.query.order_by(Line.price).with_entities(Line.price)
        assert [row.price for row in await ordered.all()] == [-1, 9, Decimal("9.5"), 10]
        assert await Line.query.filter(Line.price > Decimal("9.25")).count() == 2
        assert await Line.query.filter(Line.price.in_([9, Decimal("9.5")])).count() == 2
        assert await Line.query.filter(Line.price.between(0, 9)).count() == 1

    async def test_products_have_the_scales_of_both(self) -> None:
        await save(price=Decimal("1.125"), discount=Decimal("0.333"), quantity=3)
        assert await scalar(Line.price * Line.discount) == Decimal("0.374625")
        assert await scalar(Line.price * Line.quantity) == Decimal("3.375")
        assert await scalar(Line.quantity * Line.price) == Decimal("3.375")
        assert await scalar(Line.price * 2) == Decimal("2.25")
        assert await scalar(Line.price * Decimal("0.05")) == Decimal("0.05625")
        assert await scalar(func.sum(Line.price * Line.quantity)) == Decimal("3.375")

    async def test_sums_of_the_same_scale(self) -> None:
        await save(price=Decimal("1.125"), discount=Decimal("0.333"))
        assert await scalar(Line.price + Line.discount) == Decimal("1.458")
        assert await scalar(Line.price - 1) == Decimal("0.125")
        assert await scalar(1 - Line.discount) == Decimal("0.667")
        assert await scalar(-Line.price) == Decimal("-1.125")
        amount = Line.price * Line.quantity * (1 - Line.discount)
        assert await scalar(amount) == Decimal("0.750375")

    async def test_columns_of_tables_and_literals_on_the_left(self) -> None:
        await save(price=Decimal("1.125"), discount=Decimal("0.333"))
        columns = Line.__table__.c
        for price, discount in ((Line.price, Line.discount), (columns.price, columns.discount)):
            assert await scalar(2 * price) == Decimal("2.25")
            assert await scalar(Decimal("0.05") * price) == Decimal("0.05625")
            assert await scalar(1 - discount) == Decimal("0.667")
            with pytest.raises(InexactArithmeticError):
                _ = 3 / price

    async def test_functions_that_keep_the_type(self) -> None:
        await save(price=Decimal("1.125"))
        await save(price=Decimal("2.5"))
        assert await scalar(func.max(Line.price)) == Decimal("2.5")
        assert await scalar(func.coalesce(func.sum(Line.amount), 0)) == 0
        dear = case((Line.price > 2, Line.price), else_=0)
        assert await scalar(func.sum(dear)) == Decimal("2.5")
        assert await Line.query.update({"price": Line.price + Decimal("0.001")}) == 2
        assert await scalar(func.min(Line.price)) == Decimal("1.126")

    @pytest.mark.parametrize(
        "expression",
        [
            lambda: Line.price / 3,
            lambda: Line.price + Line.amount,
            lambda: Line.price > Line.amount,
            lambda: Line.price + Line.quantity,
            lambda: Line.price * 0.5,
            lambda: Line.price % 2,
        ],
        ids=["division", "scales", "comparison", "integers", "float", "modulo"],
    )
    def test_what_would_be_wrong_is_refused(self, expression: Any) -> None:
        with pytest.raises(InexactArithmeticError, match=r"'\w+' of ExactDecimal\("):
            expression()

    @pytest.mark.parametrize(
        "value",
        [
            Decimal("0.0001"),
            Decimal("1E+12"),
            Decimal("NaN"),
            Decimal("Infinity"),
            1.5,
            "1.5",
            True,
        ],
        ids=str,
    )
    async def test_what_does_not_fit_is_refused(self, value: Any) -> None:
        with pytest.raises(InexactDecimalError, match=r"ExactDecimal\(15, 3\)"):
            await save(price=value)
        with pytest.raises(InexactDecimalError):
            await Line.query.filter(Line.price == value).count()

    async def test_trailing_zeros_and_whole_numbers_fit(self) -> None:
        await save(price=Decimal("1.50000"))
        await save(price=2)
        assert await scalar(func.sum(Line.price)) == Decimal("3.5")

    @given(st.decimals(min_value="-999999999999", max_value="999999999999", places=6))
    def test_any_value_survives_the_scaling(self, value: Decimal) -> None:
        column = ExactDecimal(18, 6)
        stored = column.process_bind_param(value, sqlite.dialect())
        assert isinstance(stored, int)
        assert column.process_result_value(stored, sqlite.dialect()) == value

    def test_it_is_numeric_on_mysql(self) -> None:
        column = ExactDecimal(15, 3)
        assert column.compile(mysql.dialect()) == "NUMERIC(15, 3)"
        assert column.compile(sqlite.dialect()) == "BIGINT"
        stored = column.process_bind_param(Decimal("1.5"), mysql.dialect())
        assert stored == Decimal("1.5")
        assert column.process_result_value(Decimal("1.500"), mysql.dialect()) == Decimal("1.5")

    @pytest.mark.parametrize(("precision", "scale"), [(19, 6), (3, 4), (5, -1)])
    def test_more_digits_than_64_bits_hold_are_refused(self, precision: int, scale: int) -> None:
        with pytest.raises(ValueError, match="ExactDecimal"):
            ExactDecimal(precision, scale)

    def test_it_shows_itself_as_it_is_written(self) -> None:
        assert repr(ExactDecimal(15, 3)) == "ExactDecimal(precision=15, scale=3)"


class TestUTCDateTime:
    async def test_a_moment_comes_back_in_utc_to_the_microsecond(self) -> None:
        cairo = timezone(timedelta(hours=2))
        await save(at=datetime(2026, 11, 21, 10, 30, 0, 123456, tzinfo=cairo))
        line = await Line.query.one()
        assert line.at == datetime(2026, 11, 21, 8, 30, 0, 123456, tzinfo=UTC)
        assert line.at.tzinfo is UTC
        assert await Line.query.filter(Line.at < datetime.now(UTC) + timedelta(9999)).count() == 1

    async def test_null_stays_null(self) -> None:
        await save(at=None)
        assert (await Line.query.one()).at is None

    async def test_a_naive_datetime_is_refused(self) -> None:
        naive = datetime(2026, 11, 21)  # noqa: DTZ001 - that is the point
        with pytest.raises(NaiveDatetimeError, match=r"datetime\.now\(UTC\)"):
            await save(at=naive)

    async def test_text_is_refused(self) -> None:
        with pytest.raises(NaiveDatetimeError):
            await save(at="2026-11-21")

    def test_mysql_keeps_microseconds(self) -> None:
        assert UTCDateTime().compile(mysql.dialect()) == "DATETIME(6)"
