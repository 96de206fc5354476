"""What the walks through the notes share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.app import Quart


@pytest.fixture
def template(app: Quart, tmp_path: Path) -> Callable[[str, str], None]:
    """Write a template of the app of the note."""

    def write(name: str, source: str) -> None:
        (tmp_path / str(app.template_folder) / name).write_text(source, "utf-8")

    return write


async def text_of(app: Quart, path: str, **arguments: Any) -> str:
    """Return the text of a page that is found."""
    response = await app.test_client().get(path, **arguments)
    assert response.status_code == 200
    return str(await response.get_data(as_text=True))
