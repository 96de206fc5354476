"""Orders by the million, made inside the database in seconds."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from sqlalchemy import Connection, Index, insert, text

from quarterdeck.sqlalchemy import no_time_limit
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Account, Good, Order, OrderLine, User
from quarterdeck_crm.orders.sum_checks import rebuild_sums
from quarterdeck_crm.search.word_index import index_everything

USERS, GOODS = 20, 200
WORDS = ("Harbour", "Wool", "Anchor", "Cheese", "Rope", "Lamp", "Paper", "Tea", "Oak", "Salt")

_DIGITS = " UNION ALL ".join(f"SELECT {digit} AS d" for digit in range(10))
_NUMBERS = """
WITH digit AS (%s),
number AS (
  SELECT a.d + 10*b.d + 100*c.d + 1000*e.d + 10000*f.d + 100000*g.d + 1 AS n
  FROM digit a, digit b, digit c, digit e, digit f, digit g
)
"""
_ORDERS = """
INSERT INTO {order} (id, number, number_key, account_id, owner_id, state, currency, net, freight,
                     ordered_on, created_at, updated_at, version) {numbers}
SELECT n, {number}, LOWER({number}), 1 + n * 7919 % :accounts,
  CASE WHEN n % 50 = 0 THEN NULL ELSE 1 + n * 31 % :users END,
  CASE WHEN n % 23 = 0 THEN 'cancelled' WHEN n * 20 < :orders * 19 THEN 'paid'
       WHEN n % 3 = 0 THEN 'draft' WHEN n % 3 = 1 THEN 'confirmed' ELSE 'shipped' END,
  CASE WHEN n % 10 = 0 THEN 'USD' ELSE 'EUR' END,
  (n * 7907 % 100000) * {unit}, 0, {day}, {moment}, {moment}, 1
FROM number WHERE n <= :orders
"""
_LINES = """
INSERT INTO order_line (order_id, position, good_id, quantity, price, discount, amount) {numbers}
SELECT n, 1, 1 + n * 13 % :goods, 1, 0, 0, (n * 7907 % 100000) * {unit}
FROM number WHERE n <= :orders
"""
_SQLITE = {
    "order": '"order"',
    "number": "printf('Q%06d', n)",
    "unit": "1000000",
    "day": "date('2020-01-01', '+' || (n * 2000 / :orders) || ' days')",
    "moment": "'2026-01-01 00:00:00.000000'",
}
_MARIADB = {
    "order": "`order`",
    "number": "CONCAT('Q', LPAD(n, GREATEST(6, LENGTH(n)), '0'))",
    "unit": "1",
    "day": "DATE_ADD('2020-01-01', INTERVAL (n * 2000 DIV :orders) DAY)",
    "moment": "'2026-01-01'",
}


def accounts_for(orders: int) -> int:
    """Return how many accounts so many orders have."""
    return max(orders // 100, 20)


async def make_orders(orders: int) -> None:
    """Fill an empty database: an account for each hundred orders, a line for each order.

    The older an order is, the surer it is paid: the open ones are the last 5 %. One order in
    fifty belongs to nobody.
    """
    accounts = accounts_for(orders)
    async with db.new_session() as session, session.transaction():
        await session.execute(insert(User), [_user(n) for n in range(1, USERS + 1)])
        await session.execute(insert(Good), [_good(n) for n in range(1, GOODS + 1)])
        await session.execute(insert(Account), [_account(n) for n in range(1, accounts + 1)])
        await (await session.connection()).run_sync(index_everything)
    own = _SQLITE if db.engine.dialect.name == "sqlite" else _MARIADB
    values = {"orders": orders, "accounts": accounts, "users": USERS, "goods": GOODS}
    is_sqlite = own is _SQLITE
    with no_time_limit():
        async with db.engine.begin() as connection:
            if is_sqlite:
                # Made at the end they take a tenth of the time. MySQL needs them for its keys.
                await connection.exec_driver_sql("PRAGMA cache_size = -200000")
                await connection.run_sync(_indexes, Index.drop)
            for statement in (_ORDERS, _LINES):
                sql = text(statement.format(numbers=_NUMBERS % _DIGITS, **own))
                await connection.execute(sql, {name: values[name] for name in sql._bindparams})
            if is_sqlite:
                await connection.run_sync(_indexes, Index.create)
                await connection.exec_driver_sql("PRAGMA cache_size = -2000")  # as it was
        if not is_sqlite:
            async with db.engine.connect() as connection:
                await connection.exec_driver_sql("ANALYZE TABLE `order`, order_line, account")
    await rebuild_sums()


def _indexes(connection: Connection, work: Callable[[Index, Connection], None]) -> None:
    for model in (Order, OrderLine):
        for index in model.__table__.indexes:
            work(index, connection)


def _user(number: int) -> dict[str, object]:
    name = f"User {chr(90 - number)}"
    return {"id": number, "email": f"{number}@example.com", "name": name, "password_hash": "none"}


def _good(number: int) -> dict[str, object]:
    return {
        "id": number,
        "code": f"G{number:04}",
        "name": f"Good {number * 37 % GOODS}",
        "price": Decimal(1),
        "currency": "EUR",
    }


def _account(number: int) -> dict[str, object]:
    name = f"{WORDS[number % 10]} {WORDS[number // 10 % 10]} {number * 37 % 1000} Ltd"
    return {"id": number, "code": f"C{number:05}", "name": name, "owner_id": 1 + number % USERS}
