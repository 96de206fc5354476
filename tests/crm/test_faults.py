"""``crm serve`` under load while clients leave and MariaDB is killed, restarted and frozen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.servers import Server
from tests.serving import serving
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
MARIADB = [
    pytest.param(driver, marks=pytest.mark.external_service("MariaDB"))
    for driver in ("aiomysql", "asyncmy")
]
on_mariadb = pytest.mark.parametrize("served", MARIADB, indirect=True, scope="module")
on_all = pytest.mark.parametrize("served", ["sqlite", *MARIADB], indirect=True, scope="module")


@dataclass(frozen=True)
class Served:
    """A running ``crm serve``: its address, its folder and its database."""

    base: str
    folder: Path
    uri: str


@pytest.fixture(scope="module")
def served(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    running: Callable[[str], Server],
) -> Iterator[Served]:
    """One for all tests of a driver; those on MariaDB share a schema too."""
    driver, folder = request.param, tmp_path_factory.mktemp("shop")
    if driver == "sqlite":
        uri = f"sqlite+aiosqlite:///{folder / 'crm.sqlite3'}"
    else:
        uri = f"mysql+{driver}://root@127.0.0.1:{running('mariadb').port}/shop"
    open_shop(folder, uri, pieces=0)
    with serving(folder, DATABASE_URL=uri) as base:
        yield Served(base, folder, uri)


@pytest.fixture
def pieces() -> int:
    """How much there is in stock; parametrize this for less."""
    return 100_000


@pytest.fixture
def shop(served: Served, pieces: int) -> Shop:
    return open_shop(served.folder, served.uri, pieces=pieces)


@pytest.mark.feature("D9")
@pytest.mark.hazard("stock below zero")
@on_all
@pytest.mark.parametrize("pieces", [25])
def test_what_is_in_stock_is_sold_once(shop: Shop, served: Served) -> None:
    """Several clients confirm 40 orders of one piece."""
    asyncio.run(order_at(shop, served.base, clients=CLIENTS, each=5))

    books = audit(shop)

    assert len(books.orders) == len(shop.placed) == 40
    assert (books.confirmed, books.stock) == (25, 0)


@pytest.mark.feature("D7")
@pytest.mark.hazard("clients hang up")
@on_all
def test_clients_that_hang_up_leave_nothing_behind(shop: Shop, served: Served) -> None:
    """A third of 72 orders is sent by a client that leaves; every second of them asks again."""
    visits = asyncio.run(hang_up_some(shop, served.base, clients=CLIENTS, each=9))
    found = settled(served.base)
    books = audit(shop)

    assert visits == Visits(waited=56, left=16)
    assert 56 <= len(books.orders) <= 72, "one for each who waited or came back"
    assert (found["connections checked_out"], found["waiting"]) == (0, 0)


@pytest.mark.feature("D7")
@pytest.mark.hazard("server restart")
@on_mariadb
def test_a_fault_of_the_server_costs_no_more_than_what_was_under_way(
    shop: Shop, served: Served, maria: Server
) -> None:
    """It is killed and started, ended and started, frozen for a while."""
    for fault in (kill, restart, freeze):
        healed = asyncio.run(
            order_during(shop, served.base, partial(fault, maria), clients=CLIENTS, each=3)
        )
        assert len(shop.failures(healed)) <= CLIENTS, fault
        assert shop.longest_silence(healed) < SILENCE_SECONDS, fault
    found = settled(served.base)
    books = audit(shop)

    assert books.orders == set(shop.placed.values())
    assert (found["connections checked_out"], found["waiting"]) == (0, 0)
