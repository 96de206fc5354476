"""What every test gets: the guards on the event loop, and the choice of a database."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from blockbuster import BlockBuster, blockbuster_ctx

from tests import databases
from tests.servers import Server, mariadb

MAY_BLOCK = [
    ("pymongo/pool_options.py", "get_container_env_info"),  # looks for a file, once per server
    ("quarterdeck/app/application.py", "__init__"),  # an app is built before it serves
    # Quart looks at a file (os.stat) before it sends it; the content is read in a thread.
    ("quart/helpers.py", ("send_file", "send_from_directory")),
    ("jinja2/environment.py", "_load_template"),  # Jinja reads a template once and keeps it
]


@pytest.fixture(autouse=True)
def blocking_calls_fail(request: pytest.FixtureRequest) -> Iterator[BlockBuster | None]:
    """Raise BlockingError for any blocking call made on the event loop by our code."""
    with blockbuster_ctx(["quarterdeck", "quarterdeck_crm"]) as blockbuster:
        blockbuster.functions["os.path.abspath"].deactivate()  # it touches no disk
        for function in blockbuster.functions.values():
            for file, names in MAY_BLOCK:
                function.can_block_in(file, names)
        yield blockbuster


@pytest.fixture(scope="session")
def _maria(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = mariadb(tmp_path_factory.mktemp("mariadb"))
    yield server
    server.thaw()
    server.kill()


@pytest.fixture
def maria(_maria: Server) -> Server:
    """A MariaDB that tests may kill and freeze; each finds it well."""
    _maria.heal()
    return _maria


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=databases.NAMES,
        default=os.environ.get("CRM_TEST_DATABASE") or "sqlite",
        help="run on SQLite, or on MariaDB through one of its drivers",
    )


def pytest_configure(config: pytest.Config) -> None:
    databases.choose(config.getoption("--database"))


def pytest_unconfigure() -> None:
    databases.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what is about SQLite itself on any other database."""
    if not databases.is_sqlite():
        for item in items:
            if item.get_closest_marker("sqlite_only"):
                item.add_marker(pytest.mark.skip(reason="about SQLite itself"))
