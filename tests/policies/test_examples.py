"""Examples are short, complete in one file, listed, and name the packages to install."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.policies.test_architecture import PROGRAM, blocked_for

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
TABLE = (ROOT / "docs" / "examples.md").read_text("utf-8")
MAX_LINES = 80


def test_there_is_one_for_each_chapter() -> None:
    assert len(EXAMPLES) >= 24


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_short_and_listed(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) < MAX_LINES
    assert f"| [{path.name}](../examples/{path.name}) |" in TABLE


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_says_how_to_install_and_start_it(path: Path) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""

    assert f"quarterdeck serve {path.stem}:app" in docstring
    assert set(extras_of(path)) <= extras["optional-dependencies"].keys()


def test_every_example_has_a_test() -> None:
    """Named after the file, so that the fixture ``example`` finds it."""
    tests = "".join(path.read_text("utf-8") for path in (ROOT / "tests/examples").glob("*.py"))

    assert [path.name for path in EXAMPLES if f"async def test_{path.stem}(" not in tests] == []


def extras_of(path: Path) -> tuple[str, ...]:
    """Return the extras that the docstring of an example asks for."""
    (install,) = re.findall(r"^pip install .*?quarterdeck(?:\[([\w,]+)\])?", path.read_text(), re.M)
    return tuple(filter(None, install.split(",")))


def test_an_example_needs_no_other_packages_than_it_says() -> None:
    """Each is imported in a process of its own, as if only its extras were installed."""
    tasks = []
    for path in EXAMPLES:
        blocked = set(blocked_for(extras_of(path)))
        if "pip install quarterdeck quart-schema" in path.read_text():
            blocked.remove("quart_schema")
        tasks.append((path.stem, sorted(blocked), [path.stem]))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT / "examples",
        input=json.dumps(tasks),
        capture_output=True,
        text=True,
        check=True,
    )

    failed = {name: error for name, error in map(json.loads, done.stdout.splitlines()) if error}
    assert failed == {}
