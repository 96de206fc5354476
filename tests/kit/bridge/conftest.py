"""The app of the tests, and plain tests inside the bridge."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from quarterdeck._state import close_extensions
from quarterdeck.bridge.flask import Flask
from quarterdeck.bridge.waiting import asynchronous

from . import blog


def inside(test: Callable[..., Any]) -> Callable[..., Any]:
    """Run a plain test on the event loop, in a greenlet, as the plugin of pytest does."""
    run = asynchronous(test)

    @wraps(test)
    async def call(**fixtures: Any) -> None:
        await run(**fixtures)

    return call


@pytest.fixture(name="made")
def _made(tmp_path: Path) -> Flask:
    return blog.make_app(tmp_path)


@pytest.fixture(name="app")
async def _app(made: Flask) -> AsyncIterator[Flask]:
    """The app with two users; its connections are closed at the end."""
    async with made.app_context():
        await asynchronous(blog.fill)()
    yield made
    await close_extensions(made)
