"""An example as its reader uses it: copied into an empty folder, and served."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import ModuleType

import httpx
import pytest

from quarterdeck.testing import ServedApp, served_app

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def example(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ModuleType]:
    """The module of the example that the test is named after: ``test_hello`` has ``hello.py``."""
    name = request.function.__name__.removeprefix("test_")
    shutil.copy(EXAMPLES / f"{name}.py", tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    importlib.invalidate_caches()
    yield importlib.import_module(name)
    del sys.modules[name]


@pytest.fixture
async def server(example: ModuleType) -> AsyncIterator[ServedApp]:
    async with served_app(example.app) as server:
        yield server


@pytest.fixture
async def browser(server: ServedApp) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url) as client:
        yield client
