"""The hooks of the plugin of pytest."""

from __future__ import annotations

import asyncio
import functools
import inspect
import unittest
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy.util.concurrency import greenlet_spawn

from quarterdeck.bridge.hook import install_import_hook
from quarterdeck.bridge.wait_log import write_waits
from quarterdeck.bridge.waiting import in_bridge, wait

from .case import finish

__all__: list[str] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    """Install the import hook before the first test module, and add the option of the log."""
    install_import_hook()
    parser.addoption(
        "--bridge-waits",
        metavar="FILE",
        help="write what plain functions waited for, and where, as lines of JSON",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Any:
    """Run pytest in a greenlet, on an event loop."""
    if in_bridge() or config.option.help or config.option.version:
        return None
    plugin = config.pluginmanager.get_plugin("asyncio")
    if plugin is not None:  # it would run async tests on loops of its own
        config.pluginmanager.unregister(plugin, "asyncio")
    with asyncio.Runner() as runner:
        return runner.run(greenlet_spawn(config.hook.pytest_cmdline_main, config=config))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the async methods of a plain ``unittest.TestCase`` run: unittest would not await them."""
    for case in {getattr(item, "cls", None) for item in items}:
        if isinstance(case, type) and issubclass(case, unittest.TestCase):
            _make_plain(case)


def _make_plain(case: type[unittest.TestCase]) -> None:
    if issubclass(case, unittest.IsolatedAsyncioTestCase):
        return
    for name in dir(case):
        method = getattr(case, name, None)
        if inspect.iscoroutinefunction(method) and (name.startswith("test") or name in _FIXTURES):
            setattr(case, name, _plain(method))


_FIXTURES = ("setUp", "tearDown")


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        return wait(function(*args, **options))

    return call


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an async test in the greenlet."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    finish(pyfuncitem.obj, **{name: pyfuncitem.funcargs[name] for name in names})
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: Any) -> None:
    """Make a plain fixture of an async one."""
    function = fixturedef.func
    if inspect.isasyncgenfunction(function):
        fixturedef.func = _plain_generator(function)
    elif inspect.iscoroutinefunction(function):
        fixturedef.func = _plain(function)


def _plain_generator(function: Callable[..., Any]) -> Callable[..., Iterator[Any]]:
    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Iterator[Any]:
        generator = function(*args, **options)
        yield wait(anext(generator))
        try:
            wait(anext(generator))
        except StopAsyncIteration:
            return
        raise RuntimeError(f"The fixture '{function.__name__}' yields more than once.")

    return call


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the log of waits."""
    target = session.config.getoption("--bridge-waits")
    if target:
        write_waits(target)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say where the log is."""
    target = config.getoption("--bridge-waits")
    if target:
        terminalreporter.write_line(f"The log of waits is in '{target}'.")
