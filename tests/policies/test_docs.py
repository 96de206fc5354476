"""What the pages say is so: code compiles or runs, every key is there."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import quarterdeck
from quarterdeck._config import ConfigKey

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
PAGES += sorted((ROOT / "bench").glob("*.md"))
FENCE = re.compile(r"(<!-- runnable -->\n)?^```python\n(.*?)^```$", re.M | re.S)
CONFIGURATION = ROOT / "docs" / "configuration.md"


@dataclass(frozen=True)
class Block:
    """A code block of a page; ``<!-- runnable -->`` above it makes it run."""

    page: Path
    line: int
    code: str
    runnable: bool


def blocks() -> Iterator[Block]:
    for page in PAGES:
        text = page.read_text("utf-8")
        for match in FENCE.finditer(text):
            line = text.count("\n", 0, match.start(2)) + 1
            yield Block(page, line, match[2], bool(match[1]))


def _id(block: Block) -> str:
    return f"{block.page.name}:{block.line}"


@pytest.mark.parametrize("block", list(blocks()), ids=_id)
def test_python_of_the_pages(block: Block, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It compiles, with ``await`` allowed anywhere; marked blocks also run, each by itself."""
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    compiled = compile("\n" * (block.line - 1) + block.code, block.page.name, "exec", flags)
    if block.runnable:
        monkeypatch.chdir(tmp_path)
        exec(compiled, {"__name__": "page"})  # noqa: S102 - our own page


def tables() -> Iterator[tuple[str, ConfigKey]]:
    """Every key of every ``CONFIG`` table of the kit, with the room it belongs to."""
    for info in pkgutil.walk_packages(quarterdeck.__path__, "quarterdeck."):
        room = info.name.split(".")[1]
        module = importlib.import_module(info.name)
        for key in getattr(module, "CONFIG", ()):
            yield room, key


def sections() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", CONFIGURATION.read_text("utf-8"), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


KEYS = {(room, key.name): key for room, key in tables()}


@pytest.mark.feature("C5")
@pytest.mark.parametrize(("room", "name"), sorted(KEYS))
def test_every_key_is_documented(room: str, name: str) -> None:
    assert re.search(rf"^\|.*`{name}`.*\|$", sections()[room], re.M)
    assert KEYS[room, name].help


def test_the_walk_sees_every_room_with_keys() -> None:
    assert {room for room, _ in KEYS} >= {"app", "login", "migrate", "sqlalchemy", "wtf"}


LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text(encoding="utf-8"))

    assert [target for target in targets if not (page.parent / target).exists()] == []
