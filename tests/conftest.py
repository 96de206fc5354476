"""What every test gets: the guards on the event loop, and the choice of a database."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterator
from typing import TypeGuard

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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On another database than SQLite, leave out what it cannot change and what is about SQLite."""
    if databases.is_sqlite():
        return
    concerned = [item for item in items if not _brings_mariadb(item) and _uses_database(item)]
    config.hook.pytest_deselected(items=list(set(items) - set(concerned)))
    items[:] = concerned
    for item in concerned:
        if item.get_closest_marker("sqlite_only"):
            item.add_marker(pytest.mark.skip(reason="about SQLite itself"))


def _brings_mariadb(item: pytest.Item) -> bool:
    """Whether the test is about MariaDB in every run, with a server and drivers of its own."""
    marks = item.iter_markers("external_service")
    return any("MariaDB" in mark.args for mark in marks)


def _uses_database(item: pytest.Item) -> bool:
    """Whether the test or one of its fixtures stands in a module that reaches ``databases``."""
    assert isinstance(item, pytest.Function)
    fixtures = item._fixtureinfo.name2fixturedefs.values()
    modules = {item.module.__name__, *(each.func.__module__ for some in fixtures for each in some)}
    modules.discard(__name__)  # its guards are every test's
    return any(databases.__name__ in _reached(module) for module in modules if _is_ours(module))


@functools.cache
def _reached(module: str) -> set[str]:
    """Return a module of the tests and those whose names it imports, directly or not."""
    reached, ahead = set[str](), {module}
    while ahead:
        reached.add(current := ahead.pop())
        for thing in vars(sys.modules[current]).values():
            name = getattr(thing, "__module__", None) or getattr(thing, "__name__", None)
            if _is_ours(name) and name not in reached:
                ahead.add(name)
    return reached


def _is_ours(module: object) -> TypeGuard[str]:
    return isinstance(module, str) and module.startswith("tests.") and module in sys.modules
