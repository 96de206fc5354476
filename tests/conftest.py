"""What every test gets: the guards on the event loop, and the choice of a database."""

from __future__ import annotations

import asyncio
import asyncio.format_helpers
import functools
import gc
import linecache
import logging
import os
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from traceback import FrameSummary, StackSummary
from types import FrameType
from typing import Any, TypeGuard

import pytest
from blockbuster import BlockBuster, blockbuster_ctx

from quarterdeck import _logs
from tests import cpu, databases
from tests.compiled import share_catalogs, share_templates
from tests.demonstration import Demonstrations
from tests.servers import STARTERS, Server

# Debug mode of asyncio keeps a stack for every handle and task. Ten frames of it took a quarter
# of the CPU of all tests, and two name the line as well.
FRAMES = 2
traceback.extract_stack.__defaults__ = (None, FRAMES)  # futures and tasks, written in C, call it


def _extract_stack(frame: FrameType | None = None, _limit: int | None = None) -> StackSummary:
    """Return the stack that asyncio asks for, in a third of the time: it is seldom read."""
    stack = StackSummary()
    if frame is None:
        frame = sys._getframe(1)
    while frame is not None and len(stack) < FRAMES:
        code = frame.f_code
        where = code.co_filename, frame.f_lineno, code.co_name
        stack.insert(0, FrameSummary(*where, lookup_line=False))
        frame = frame.f_back
    return stack


setattr(asyncio.format_helpers, "extract_stack", _extract_stack)  # noqa: B010 - not declared
# For each frame of those stacks Python asks whether its file has changed, which none does here.
linecache.checkcache = lambda filename=None: None

share_templates()
share_catalogs()

MEMORY = Path("/dev/shm")  # noqa: S108 - holds the folder of the run, which has a name of its own
MIN_MEMORY = 4 * 2**30  # bytes; a run uses less than one

MAY_BLOCK = [
    ("pymongo/pool_options.py", "get_container_env_info"),  # looks for a file, once per server
    # Passwords and certificates below the home folder, at each new connection.
    ("asyncpg/connect_utils.py", "_parse_connect_arguments"),
    ("quarterdeck/app/application.py", "__init__"),  # an app is built before it serves
    # Quart looks at a file (os.stat) before it sends it; the content is read in a thread.
    ("quart/helpers.py", ("send_file", "send_from_directory")),
    ("jinja2/environment.py", "_load_template"),  # Jinja reads a template once and keeps it
    ("quarterdeck/serving/log_files.py", ("_write",)),  # as any handler of a log
    ("quarterdeck/bridge/flask/testing.py", ("invoke",)),  # a command of a test, as in a shell
    ("quarterdeck/apscheduler/triggers.py", "_named_zone"),  # a time zone is read once and kept
]


@pytest.fixture(scope="session", autouse=True)
def blocking_calls_fail() -> Iterator[BlockBuster]:
    """Raise BlockingError for any blocking call made on the event loop by our code."""
    with blockbuster_ctx(["quarterdeck", "quarterdeck_crm"]) as blockbuster:
        blockbuster.functions["os.path.abspath"].deactivate()  # it touches no disk
        for function in blockbuster.functions.values():
            for file, names in MAY_BLOCK:
                function.can_block_in(file, names)
        yield blockbuster


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    """Take back what a test set up for the log of the process.

    A fixture of a module may set it up before the first test, so the level is not that of before.
    """
    root = logging.getLogger()
    yield
    root.setLevel(logging.WARNING)
    if _logs.active_formatter() is not None:
        _logs._active = None
        for handler in [one for one in root.handlers if isinstance(one, _logs._Handler)]:
            root.removeHandler(handler)


@pytest.fixture(autouse=True)
def forgotten_database(request: pytest.FixtureRequest) -> Iterator[None]:
    """Give up the database of a test after it."""
    needs_folder = databases.is_postgresql() and "tmp_path" in request.fixturenames
    folder: Path | None = request.getfixturevalue("tmp_path") if needs_folder else None
    yield
    if folder is not None:
        databases.forget(folder)


@pytest.fixture(scope="session")
def demonstrations(tmp_path_factory: pytest.TempPathFactory) -> Demonstrations:
    """A CRM with demonstration data in any folder, without the commands that make it."""
    own = tmp_path_factory.getbasetemp()
    is_shared = databases.is_sqlite() and "PYTEST_XDIST_WORKER" in os.environ
    return Demonstrations(own.parent if is_shared else own)


_started: dict[str, Server] = {}


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Server]]:
    """Start servers by name, each once per run, or give those that run and bring them back."""

    def run(name: str) -> Server:
        if name not in _started:
            _started[name] = STARTERS[name](tmp_path_factory.mktemp(name))
        _started[name].heal()
        return _started[name]

    yield run
    for server in _started.values():
        server.end()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the servers have printed below a test that fails with one of them."""
    report = yield
    if report.failed and "running" in getattr(item, "fixturenames", ()):
        report.sections += [(f"log of {name}", each.log_end()) for name, each in _started.items()]
    return report


@pytest.fixture
def postgres(running: Callable[[str], Server]) -> Server:
    """A PostgreSQL that tests may kill and freeze; each finds it well."""
    return running("postgresql")


@pytest.fixture
def maria(running: Callable[[str], Server]) -> Server:
    """A MariaDB that tests may kill and freeze; each finds it well."""
    return running("mariadb")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=databases.NAMES,
        default=os.environ.get("CRM_TEST_DATABASE") or "sqlite",
        help="run on SQLite, or on MariaDB or PostgreSQL through one of their drivers",
    )
    parser.addoption(
        "--cpu", action="store_true", help="print the CPU time of each test file and its programs"
    )


def _prefer_memory() -> None:
    """Keep the files of tests in memory where there is enough, so that no commit waits for a disk.

    A folder of the operator's choice in ``TMPDIR`` wins, also in the workers of xdist.
    """
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK):
        return
    runs_programs = not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC
    if runs_programs and shutil.disk_usage(MEMORY).free > MIN_MEMORY:
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None  # it is looked up once


def pytest_configure(config: pytest.Config) -> None:
    _prefer_memory()
    # A run in the background of a script ignores Ctrl-C, and so would the programs it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    databases.choose(config.getoption("--database"))
    if config.getoption("--cpu"):
        config.pluginmanager.register(cpu.Meter())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return the workers of ``-n auto``: three for two cores, because tests often wait.

    Two fifths of their time they wait for the start of a program, or for a time limit.
    """
    return (os.cpu_count() or 1) * 3 // 2 or 1


def pytest_unconfigure() -> None:
    databases.stop()


def pytest_collection() -> None:
    gc.disable()  # modules and tests stay until the end: there is nothing to find among them


def pytest_collection_finish() -> None:
    """Let the garbage collector look at what the tests make, and seldom.

    With its usual thresholds it took half of the time that it takes to make an app.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On another database than SQLite, leave out what it cannot change and what is about SQLite."""
    if databases.is_sqlite():
        return
    concerned = [item for item in items if not _is_repeated(item) and _uses_database(item)]
    config.hook.pytest_deselected(items=list(set(items) - set(concerned)))
    items[:] = concerned
    for item in concerned:
        if item.get_closest_marker("sqlite_only"):
            item.add_marker(pytest.mark.skip(reason="about SQLite itself"))


def _is_repeated(item: pytest.Item) -> bool:
    """Whether the test shows the same in every run: it may be about a server, and bring it."""
    marks = item.iter_markers("external_service")
    brings_server = any({"MariaDB", "PostgreSQL"} & {*mark.args} for mark in marks)
    return brings_server or item.get_closest_marker("any_database") is not None


def _uses_database(item: pytest.Item) -> bool:
    """Whether a fixture of the test stands in a module that reaches ``databases``, or its own does.

    A module that takes a name from a conftest reaches no database by that: its fixtures do.
    """
    assert isinstance(item, pytest.Function)
    own = item.module.__name__
    modules = {each.func.__module__ for each in _asked_for(item)} - {own, __name__}
    return databases.__name__ in _reached(own, by_conftest=False) or any(
        databases.__name__ in _reached(module) for module in modules if _is_ours(module)
    )


def _asked_for(item: pytest.Function) -> Iterator[pytest.FixtureDef[Any]]:
    """Yield the fixtures that a test asks for, directly or not; the others guard all tests."""
    known, found = item._fixtureinfo.name2fixturedefs, set[str]()
    ahead = set(item._fixtureinfo.argnames)
    ahead.update(name for mark in item.iter_markers("usefixtures") for name in mark.args)
    while ahead := (ahead & known.keys()) - found:
        found |= ahead
        asked = [each for name in ahead for each in known[name]]
        yield from asked
        ahead = {name for each in asked for name in each.argnames}


@functools.cache
def _reached(module: str, *, by_conftest: bool = True) -> set[str]:
    """Return a module of the tests and those whose names it imports, directly or not."""
    reached, ahead = set[str](), {module}
    while ahead:
        reached.add(current := ahead.pop())
        for thing in vars(sys.modules[current]).values():
            name = getattr(thing, "__module__", None) or getattr(thing, "__name__", None)
            if _is_ours(name) and name not in reached and (by_conftest or "conftest" not in name):
                ahead.add(name)
    return reached


def _is_ours(module: object) -> TypeGuard[str]:
    return isinstance(module, str) and module.startswith("tests.") and module in sys.modules
