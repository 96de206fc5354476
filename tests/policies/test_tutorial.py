"""The pages of the tutorial show the files of its steps as they are, and all new lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STEPS = ROOT / "examples" / "tutorial"
PAGES = sorted((ROOT / "docs" / "tutorial").glob("[1-8]-*.md"))
BLOCK = re.compile(r"^<!-- (step\d/\S+) -->\n(````?)\w+\n(.*?)^\2$", re.M | re.S)
MADE_BY_COMMANDS = "migrations"


def files(step: int) -> Iterator[Path]:
    """Yield the names of the files that a reader types."""
    for path in sorted((STEPS / f"step{step}").rglob("*")):
        name = path.relative_to(STEPS / f"step{step}")
        if path.is_file() and {MADE_BY_COMMANDS, "instance", "__pycache__"}.isdisjoint(name.parts):
            yield name


def lines(step: int, name: Path) -> set[str]:
    path = STEPS / f"step{step}" / name
    return set(path.read_text("utf-8").splitlines()) - {""} if path.is_file() else set()


def blocks(page: Path) -> list[tuple[str, str]]:
    return [(name, code) for name, _, code in BLOCK.findall(page.read_text("utf-8"))]


def test_there_is_a_page_for_each_step() -> None:
    assert [page.name[0] for page in PAGES] == [path.name[-1] for path in sorted(STEPS.iterdir())]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_blocks_are_parts_of_their_files(page: Path) -> None:
    shown = blocks(page)

    assert shown
    assert [name for name, code in shown if code not in (STEPS / name).read_text("utf-8")] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_all_new_lines_are_shown(page: Path) -> None:
    step = int(page.name[0])
    missing = {
        str(name): unseen
        for name in files(step)
        if (unseen := lines(step, name) - lines(step - 1, name) - shown_lines(page, step, name))
    }

    assert missing == {}


def shown_lines(page: Path, step: int, name: Path) -> set[str]:
    shown = [code for file, code in blocks(page) if file == f"step{step}/{name.as_posix()}"]
    return set("\n".join(shown).splitlines())


@pytest.mark.parametrize("step", range(2, 9))
def test_no_file_is_taken_away(step: int) -> None:
    """A reader only adds and changes files."""
    assert set(files(step - 1)) <= set(files(step))
