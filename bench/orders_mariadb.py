"""The order list as in ``bench.orders``, on MariaDB, for 1, 32 and 256 clients at once.

Run ``python -m bench orders_mariadb``. One process each, and a MariaDB of its own for all: ours
with both drivers, Flask with PyMySQL, FastAPI with asyncmy.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.servers import mariadb

from bench import orders
from bench.side_by_side import Peer, Result, compare

ROOMY = ("--innodb-buffer-pool-size=256M", "--innodb-log-file-size=64M")
CROWDS = (1, 32, 256)


def main() -> None:
    compare_all(CROWDS, rounds=4)


def compare_all(crowds: Sequence[int], *, rounds: int = 7, seconds: int = 2) -> list[Result]:
    """Load all peers in turns with some crowds, and return their figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = mariadb(folder, *ROOMY)
        server.start()
        try:
            results = measure(folder, server.port, crowds, rounds, seconds)
        finally:
            server.kill()
    return results


def measure(
    folder: Path, port: int, crowds: Sequence[int], rounds: int, seconds: int
) -> list[Result]:
    at = f"root@127.0.0.1:{port}/crm"
    asyncmy, aiomysql, pymysql = (
        f"mysql+{driver}://{at}" for driver in ("asyncmy", "aiomysql", "pymysql")
    )
    settings = orders.settings_for(folder, asyncmy, pymysql, asyncmy)
    # The peers wait 30 s for a connection, as SQLAlchemy does by default. Ours answers 503 sooner.
    settings |= {"SESSION_TYPE": "null", "CRM_SQLALCHEMY_POOL_TIMEOUT": "30"}
    orders.make_database(settings)
    orders.fill(pymysql)
    orders.write_links(folder)
    with_aiomysql = settings | {"DATABASE_URL": aiomysql}
    return compare(
        [
            Peer("crm serve, asyncmy", orders.SERVE, settings, orders.sign_in_to_crm),
            Peer("crm serve, aiomysql", orders.SERVE, with_aiomysql, orders.sign_in_to_crm),
            *orders.peers(settings),
        ],
        [orders.PATH],
        check=orders.check,
        rounds=rounds,
        seconds=seconds,
        crowds=crowds,
    )


if __name__ == "__main__":
    main()
