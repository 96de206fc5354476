"""``crm serve`` while MariaDB is killed, restarted and frozen, and while clients hang up.

Run ``python -m bench.faults``. Nothing is compared: it prints what a fault costs, and exits with
an error if anything in the database is not as it must be.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from functools import partial
from pathlib import Path

from tests.servers import Server, mariadb
from tests.shop import (
    Shop,
    audit,
    freeze,
    hang_up_some,
    kill,
    open_shop,
    order_during,
    restart,
    settled,
)

CLIENTS, ORDERS = 24, 5  # and how many orders each places after a fault
HANG_UPS = 3_000  # requests, a third of them left by their clients


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        folder = Path(name)
        maria = mariadb(folder)
        maria.start()
        try:
            for driver in ("aiomysql", "asyncmy"):
                _measure(folder / driver, maria, driver)
        finally:
            maria.thaw()
            maria.kill()


def _measure(folder: Path, maria: Server, driver: str) -> None:
    folder.mkdir()
    uri = f"mysql+{driver}://root@127.0.0.1:{maria.port}/{driver}"
    shop = open_shop(folder, uri, pieces=1_000_000)
    print(f"{driver}, {CLIENTS} clients")
    with shop.served() as base:
        for fault in (kill, restart, freeze):
            _fault(shop, base, fault.__name__, partial(fault, maria))
        _hang_ups(shop, base)
        found = settled(base)
        assert (found["connections checked_out"], found["waiting"]) == (0, 0)
        audit(shop)
    print("  books in order, no connection in use, no transaction open")


def _fault(shop: Shop, base: str, name: str, fault: partial[None]) -> None:
    began = time.monotonic()
    healed = asyncio.run(order_during(shop, base, fault, clients=CLIENTS, each=ORDERS))
    print(
        f"  {name:8} {len(shop.attempts):6,} requests, {len(shop.failures(began)):3} failed, "
        f"longest silence {shop.longest_silence(began):.1f} s, "
        f"{shop.longest_silence(healed):.1f} s once it was back"
    )
    audit(shop)


def _hang_ups(shop: Shop, base: str) -> None:
    began = time.monotonic()
    visits = asyncio.run(hang_up_some(shop, base, clients=CLIENTS, each=HANG_UPS // CLIENTS))
    print(
        f"  {HANG_UPS:,} orders, a third of the clients hung up, {visits.left} for good: "
        f"{time.monotonic() - began:.0f} s"
    )


if __name__ == "__main__":
    main()
