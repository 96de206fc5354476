"""``unittest.TestCase`` whose tests, ``setUp`` and ``tearDown`` may be ``async``."""

from __future__ import annotations

import inspect
import unittest
from collections.abc import Callable
from typing import Any

from quarterdeck.bridge.waiting import in_bridge, run, wait

__all__ = ["TestCase", "finish"]


def finish(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Call a plain or an async function and return its result."""
    result = function(*args, **options)
    return wait(result) if inspect.isawaitable(result) else result


class TestCase(unittest.TestCase):
    """Runs inside the bridge, with pytest and with ``python -m unittest``."""

    def run(self, result: unittest.TestResult | None = None) -> unittest.TestResult | None:
        """Run the test on an event loop."""
        if in_bridge():
            return super().run(result)
        return run(super().run, result)

    def _callSetUp(self) -> None:
        finish(self.setUp)

    def _callTestMethod(self, method: Callable[[], Any]) -> None:
        finish(method)

    def _callTearDown(self) -> None:
        finish(self.tearDown)

    def _callCleanup(self, function: Callable[..., Any], *args: Any, **options: Any) -> None:
        finish(function, *args, **options)
