"""Tests inside the bridge: a plugin of pytest, and a ``TestCase``.

The plugin runs the whole of pytest on one event loop, in one greenlet: tests and fixtures may be
plain functions that wait, or ``async``. Switch it on in ``pytest.ini``::

    [pytest]
    addopts = -p quarterdeck.bridge.testing
"""

from __future__ import annotations

from contextlib import suppress

from .case import TestCase

__all__ = ["TestCase"]

with suppress(ModuleNotFoundError):  # with plain unittest, pytest need not be there
    from .plugin import (
        pytest_addoption,
        pytest_cmdline_main,
        pytest_collection_modifyitems,
        pytest_fixture_setup,
        pytest_pyfunc_call,
        pytest_sessionfinish,
        pytest_terminal_summary,
    )

    __all__ += [
        "pytest_addoption",
        "pytest_cmdline_main",
        "pytest_collection_modifyitems",
        "pytest_fixture_setup",
        "pytest_pyfunc_call",
        "pytest_sessionfinish",
        "pytest_terminal_summary",
    ]
