"""CSV files of a made-up business of any size, for the tests of memory and ``bench.transfer``."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

ACCOUNTS, GOODS = 200, 100
LINES_PER_ORDER = (1, 2, 2, 3, 5)  # 2.6 on average

_Row = Sequence[object]


def write_files(folder: Path, orders: int, *, prefix: str = "B") -> None:
    """Write ``accounts.csv``, ``goods.csv``, ``orders.csv`` and ``lines.csv``.

    There are as many deals in ``deals.csv``, and notes on them in ``notes.csv``. The numbers of the
    orders and the references of the others begin with ``prefix``.
    """
    dice = random.Random(1)  # noqa: S311 - the same each time
    _write(folder / "accounts.csv", ("code", "name", "city", "contact_name"), _accounts())
    _write(folder / "goods.csv", ("code", "name", "category", "price", "stock"), _goods(dice))
    _write(
        folder / "orders.csv",
        (
            "number", "account", "ordered_on", "required_on", "shipped_on", "freight",
            "ship_name", "ship_address", "ship_city", "ship_country",
        ),
        _orders(dice, orders, prefix),
    )  # fmt: skip
    _write(
        folder / "lines.csv",
        ("order", "good", "quantity", "price", "discount"),
        _lines(dice, orders, prefix),
    )
    _write(
        folder / "deals.csv",
        ("reference", "name", "account", "expected_on", "good", "quantity", "price", "discount"),
        _deals(dice, orders, prefix),
    )
    _write(
        folder / "notes.csv",
        ("reference", "record_kind", "record", "written_at", "text"),
        _notes(orders, prefix),
    )


def _accounts() -> Iterator[_Row]:
    for n in range(ACCOUNTS):
        yield f"C{n:04}", f"Company {n} & Sons", "Zürich", f"User {n}"


def _goods(dice: random.Random) -> Iterator[_Row]:
    for n in range(GOODS):
        yield f"G{n:04}", f"Thing {n}", f"Category {n % 12}", _price(dice), 100


def _orders(dice: random.Random, count: int, prefix: str) -> Iterator[_Row]:
    for n in range(count):
        day = date(2016, 1, 1) + timedelta(n * 3600 // count)
        account = dice.randrange(ACCOUNTS)
        yield (
            f"{prefix}{n:07}", f"C{account:04}", day, day + timedelta(28),
            day + timedelta(9) if n % 20 else "", _price(dice), f"Company {account} & Sons",
            f"{n % 300} Harbour Street", "Zürich", "Switzerland",
        )  # fmt: skip


def _lines(dice: random.Random, orders: int, prefix: str) -> Iterator[_Row]:
    for n in range(orders):
        for _ in range(LINES_PER_ORDER[n % len(LINES_PER_ORDER)]):
            good, discount = f"G{dice.randrange(GOODS):04}", dice.choice(("0", "0", "0.05", "0.15"))
            yield f"{prefix}{n:07}", good, dice.randint(1, 60), _price(dice), discount


def _deals(dice: random.Random, count: int, prefix: str) -> Iterator[_Row]:
    for line in _lines(dice, count, prefix):
        number = int(str(line[0]).removeprefix(prefix))
        day = date(2016, 1, 1) + timedelta(number * 3600 // count)
        name = f"Fit out {number % 300} Harbour Street"
        yield f"deal-{line[0]}", name, f"C{number % ACCOUNTS:04}", day, *line[1:]


def _notes(count: int, prefix: str) -> Iterator[_Row]:
    for n in range(count):
        day = date(2016, 1, 1) + timedelta(n * 3600 // count)
        deal, text = f"deal-{prefix}{n:07}", f"Asked for {n % 60} more. " * 5
        yield f"note-{prefix}{n:07}", "deal", deal, f"{day}T09:30:00", text


def _price(dice: random.Random) -> str:
    return f"{dice.randint(100, 30_000) / 100:.2f}"


def _write(path: Path, header: Sequence[str], rows: Iterable[_Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
