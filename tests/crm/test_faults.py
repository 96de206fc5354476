"""``crm serve`` under load while clients leave and MariaDB is killed, restarted and frozen."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from pathlib import Path

import pytest

from tests.servers import Server
from tests.shop import (
    Shop,
    Visits,
    audit,
    freeze,
    hang_up_some,
    kill,
    open_shop,
    order_at,
    order_during,
    restart,
    settled,
)

CLIENTS = 8
SILENCE_SECONDS = 15.0  # for a busy machine; a quiet one needs far less
ON_MARIADB = [
    pytest.param(driver, marks=pytest.mark.external_service("MariaDB"))
    for driver in ("aiomysql", "asyncmy")
]
ON_ALL = ["sqlite", *ON_MARIADB]


@pytest.fixture
def pieces() -> int:
    """How much there is in stock; parametrize this for less."""
    return 100_000


@pytest.fixture
def shop(request: pytest.FixtureRequest, tmp_path: Path, driver: str, pieces: int) -> Shop:
    if driver == "sqlite":
        return open_shop(tmp_path, f"sqlite+aiosqlite:///{tmp_path / 'crm.sqlite3'}", pieces=pieces)
    maria: Server = request.getfixturevalue("maria")
    name = f"shop_{driver}_{time.time_ns()}"
    return open_shop(
        tmp_path, f"mysql+{driver}://root@127.0.0.1:{maria.port}/{name}", pieces=pieces
    )


@pytest.mark.feature("D9")
@pytest.mark.hazard("stock below zero")
@pytest.mark.parametrize("driver", ON_ALL)
@pytest.mark.parametrize("pieces", [25])
def test_what_is_in_stock_is_sold_once(shop: Shop) -> None:
    """Several clients confirm 40 orders of one piece."""
    with shop.served() as base:
        asyncio.run(order_at(shop, base, clients=CLIENTS, each=5))

        books = audit(shop)

    assert len(books.orders) == len(shop.placed) == 40
    assert (books.confirmed, books.stock) == (25, 0)


@pytest.mark.feature("D7")
@pytest.mark.hazard("clients hang up")
@pytest.mark.parametrize("driver", ON_ALL)
def test_clients_that_hang_up_leave_nothing_behind(shop: Shop) -> None:
    """A third of 144 orders is sent by somebody who leaves; every second of them asks again."""
    with shop.served() as base:
        visits = asyncio.run(hang_up_some(shop, base, clients=CLIENTS, each=18))
        found = settled(base)
        books = audit(shop)

    assert visits == Visits(waited=120, left=24)
    assert 120 <= len(books.orders) <= 144, "one for each who waited or came back"
    assert (found["connections checked_out"], found["waiting"]) == (0, 0)


@pytest.mark.feature("D7")
@pytest.mark.hazard("server restart")
@pytest.mark.parametrize("driver", ON_MARIADB)
def test_a_fault_of_the_server_costs_no_more_than_what_was_under_way(
    shop: Shop, maria: Server
) -> None:
    """It is killed and started, ended and started, frozen for a while."""
    with shop.served() as base:
        for fault in (kill, restart, freeze):
            healed = asyncio.run(
                order_during(shop, base, partial(fault, maria), clients=CLIENTS, each=3)
            )
            assert len(shop.failures(healed)) <= CLIENTS, fault
            assert shop.longest_silence(healed) < SILENCE_SECONDS, fault
        found = settled(base)
        books = audit(shop)

    assert books.orders == set(shop.placed.values())
    assert (found["connections checked_out"], found["waiting"]) == (0, 0)
