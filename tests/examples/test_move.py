"""The app that docs/from-flask.md moves: both answer the same."""

from __future__ import annotations

import asyncio
import difflib
import re
from pathlib import Path
from typing import Any

import pytest

from tests.modules import load

ROOT = Path(__file__).parents[2]
BEFORE, AFTER = (ROOT / "examples" / "move" / name for name in ("before.py", "after.py"))
PAGE = (ROOT / "docs" / "from-flask.md").read_text("utf-8")

Answer = tuple[int, str | None, str]
CONVERSATION: list[tuple[str, str, dict[str, str] | None]] = [
    ("GET", "/", None),
    ("POST", "/", {"name": "Ada", "text": "A <fine> harbour"}),
    ("GET", "/", None),
    ("POST", "/", {"name": " ", "text": "Who am I?"}),
    ("GET", "/", None),
    ("POST", "/", {"text": "No name at all"}),
    ("GET", "/entries/1", None),
    ("GET", "/entries/2", None),
    ("GET", "/entries/one", None),
    ("PUT", "/", None),
]


@pytest.fixture
def flask_app(tmp_path: Path) -> Any:
    return app_of(BEFORE, tmp_path)


@pytest.fixture
def app(tmp_path: Path) -> Any:
    return app_of(AFTER, tmp_path)


def app_of(path: Path, folder: Path) -> Any:
    copied = folder / path.stem / path.name  # its database goes beside it
    copied.parent.mkdir()
    copied.write_text(path.read_text("utf-8"))
    return load(copied, f"tests_{path.stem}").app


@pytest.mark.feature("D1", "V1")
def test_both_answer_the_same(flask_app: Any, app: Any) -> None:
    assert "There is no such page" in str(asked := ask_flask(flask_app))
    assert ask(app) == asked
    assert [status for status, *_ in asked] == [200, 302, 200, 302, 200, 400, 200, 404, 404, 405]


def ask_flask(app: Any) -> list[Answer]:
    assert app.test_cli_runner().invoke(args=["create-tables"]).exit_code == 0
    client = app.test_client()
    answers = []
    for method, path, form in CONVERSATION:
        response = client.open(path, method=method, data=form)
        answers.append((response.status_code, response.headers.get("Location"), response.text))
    return answers


def ask(app: Any) -> list[Answer]:
    assert app.test_cli_runner().invoke(args=["create-tables"]).exit_code == 0

    async def converse() -> list[Answer]:
        answers = []
        async with app.test_app():
            client = app.test_client()
            for method, path, form in CONVERSATION:
                response = await client.open(path, method=method, form=form)
                location = response.headers.get("Location")
                answers.append((response.status_code, location, response.text))
        return answers

    return asyncio.run(converse())


def test_the_page_shows_both() -> None:
    whole = re.search(r"<!-- before -->\n```python\n(.*?)```", PAGE, re.S)
    changes = re.search(r"<!-- changes -->\n```diff\n(.*?)```", PAGE, re.S)
    before, after = BEFORE.read_text("utf-8"), AFTER.read_text("utf-8")
    assert whole
    assert whole[1] == before
    assert changes
    assert changes[1] == difference(before, after)


def difference(before: str, after: str) -> str:
    """Return the lines that change, without those around them."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return "".join(f"{line}\n" for line in list(lines)[2:] if not line.startswith("@@"))
