"""Write the tests of each feature into ``docs/features.md``: ``python -m tests.policies.features``.

The rows are edited by hand; the last column and everything below ``HEADING`` is generated from
the marks ``@pytest.mark.feature`` and from the last column of ``docs/examples.md``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
PAGE = ROOT / "docs" / "features.md"
EXAMPLES = ROOT / "docs" / "examples.md"
HEADING = "## Tests of each row"
ROW = re.compile(r"^(\| (?P<id>[A-Z]+\d+) \| .+ \|)[^|]*\|$", re.M)

EXAMPLE = re.compile(
    r"^\| \[(?P<name>[^\]]+)\]\((?P<path>[^)]+)\) \|.*\| (?P<rows>[A-Z0-9 ]+) \|$", re.M
)

Found = dict[str, dict[str, list[str]]]  # the names of tests, by row and file

Scope = ast.Module | ast.ClassDef
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


def named_in(nodes: list[ast.expr]) -> set[str]:
    """Return the rows that decorators or the value of ``pytestmark`` name."""
    calls = (call for node in nodes for call in ast.walk(node) if isinstance(call, ast.Call))
    marks = (call for call in calls if ast.unparse(call.func) == "pytest.mark.feature")
    return {ast.literal_eval(argument) for mark in marks for argument in mark.args}


def marks_of(scope: Scope) -> set[str]:
    """Return the rows that a module or a class names for all its tests."""
    values = [
        node.value
        for node in scope.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"
    ]
    decorators = scope.decorator_list if isinstance(scope, ast.ClassDef) else []
    return named_in([*values, *decorators])


def tests_in(scope: Scope, inherited: set[str]) -> Iterator[tuple[str, set[str]]]:
    """Yield the tests of a module or class, with the rows that each one names."""
    rows = inherited | marks_of(scope)
    for node in scope.body:
        if isinstance(node, ast.ClassDef):
            for name, named in tests_in(node, rows):
                yield f"{node.name}::{name}", named
        elif isinstance(node, FUNCTION) and node.name.startswith("test_"):
            yield node.name, rows | named_in(node.decorator_list)


def collect(folder: Path = TESTS) -> Found:
    """Read all test files below a folder, without importing them."""
    found: Found = {}
    for file in sorted(folder.rglob("test_*.py")):
        name = file.relative_to(folder).as_posix()
        for test, rows in tests_in(ast.parse(file.read_text("utf-8")), set()):
            for row in rows:
                found.setdefault(row, {}).setdefault(name, []).append(test)
    return found


def collect_examples(page: str) -> dict[str, list[str]]:
    """Return links to the examples of each row, from the table of examples."""
    found: dict[str, list[str]] = {}
    for match in EXAMPLE.finditer(page):
        for row in match["rows"].split():
            found.setdefault(row, []).append(f"[{match['name']}]({match['path']})")
    return found


def rows_of(page: str) -> list[str]:
    return [match["id"] for match in ROW.finditer(page)]


def status(files: dict[str, list[str]]) -> str:
    count = sum(len(tests) for tests in files.values())
    return str(count) if count else "not yet"


def listing(row: str, files: dict[str, list[str]], examples: list[str]) -> Iterator[str]:
    shown = f"; {', '.join(examples)}" if examples else ""
    yield f"**{row}**: {status(files)}{shown}"
    yield ""
    for file, tests in files.items():
        names = ", ".join(f"`{test}`" for test in tests)
        yield f"- [{file}](../tests/{file}): {names}"
    if files:
        yield ""


def render(page: str, found: Found, examples: dict[str, list[str]]) -> str:
    """Return the page with the last column and the list of tests as they should be."""
    by_hand = page.partition(HEADING)[0].rstrip()
    table = ROW.sub(lambda row: f"{row[1]} {status(found.get(row['id'], {}))} |", by_hand)
    rows = rows_of(by_hand)
    missing = sum(1 for row in rows if row not in found)
    lines = [
        HEADING,
        "",
        f"{len(rows)} rows: tests name {len(rows) - missing} of them, {missing} have no test yet.",
        "",
    ]
    for row in rows:
        lines += listing(row, found.get(row, {}), examples.get(row, []))
    return table + "\n\n" + "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    known = collect_examples(EXAMPLES.read_text("utf-8"))
    PAGE.write_text(render(PAGE.read_text("utf-8"), collect(), known), "utf-8")
