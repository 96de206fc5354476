"""The rows that measurements write fit the tables of today."""

from __future__ import annotations

from pathlib import Path

from bench import orders
from sqlalchemy import create_engine, func, insert, select

from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Order, Role, User


def test_the_orders_of_the_measurements_fit_the_tables(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'crm.sqlite3'}"
    engine = create_engine(url)
    db.metadata.create_all(engine)
    user = {"email": orders.EMAIL, "name": "Ada", "role": Role.ADMIN, "password_hash": "-"}
    with engine.begin() as connection:
        connection.execute(insert(User), user)

    orders.fill(url)

    with engine.connect() as connection:
        assert connection.scalar(select(func.count(Order.id))) == orders.ORDERS
    engine.dispose()
