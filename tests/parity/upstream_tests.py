"""Say for each test of the Flask extensions which test of ours proves the same.

``upstream/tests/DISTRIBUTION.json`` lists the tests of an extension at one commit. This command
writes it from a checkout, with the folder of its tests::

    python -m tests.parity.upstream_tests Flask-Login CHECKOUT/tests COMMIT

``tests/DISTRIBUTION.toml`` has a row for each test in that list, in a table ``[tests]``::

    "test_login.py::test_x" = "kit/test_login.py::test_y"
    "test_login.py::test_z" = ["kit/test_login.py::test_y", "kit/test_login.py::test_w"]
    "test_login.py::test_v" = "differs: what ours does and why (login.md#the-remember-cookie)"
    "test_legacy.py::*"     = "does not apply: reason"

Our tests are named by their file below ``tests/`` and their function, with its class if it has one.
A difference ends with the heading in ``docs/`` that explains it. A key may be a pattern if its
tests do not apply. ``test_upstream_tests.py`` checks all of this, and ``make parity`` writes the
totals and the differences into ``docs/from-flask.md``.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from tests.policies.features import tests_in

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
LISTS = HERE / "upstream" / "tests"
HEADING = "## Every test of the extensions"
KINDS = ("proven", "differs", "does not apply")
ANCHOR = re.compile(r"^(?P<text>.+) \((?P<page>[\w-]+\.md)#(?P<heading>[\w-]+)\)$")


@dataclass(frozen=True)
class Row:
    """The decision on a test of an extension.

    Attributes:
        kind: One of ``KINDS``.
        text: The reason, without the link of a difference.
        ours: Our tests that prove the same.
        link: The page and heading that explain a difference, as ``page.md#heading``.
    """

    kind: str
    text: str = ""
    ours: tuple[str, ...] = ()
    link: str = ""

    @classmethod
    def parse(cls, value: str | list[str]) -> Row:
        """Read a row of a file; raise ValueError if it has no reason or no link."""
        if isinstance(value, list):
            return cls("proven", ours=tuple(value))
        kind, colon, text = (part.strip() for part in value.partition(": "))
        if not colon:
            return cls("proven", ours=(value,))
        if kind == "does not apply" and text:
            return cls(kind, text)
        found = ANCHOR.match(text)
        if kind != "differs" or found is None:
            raise ValueError(f"'{value}' is no decision. See {__name__}.")
        return cls(kind, found["text"], link=f"{found['page']}#{found['heading']}")


@dataclass(frozen=True)
class Suite:
    """The tests of one distribution, with our decisions.

    Attributes:
        distribution: For example ``Flask-Login``.
        commit: The commit whose tests these are.
        tests: Their names: ``file::function`` or ``file::class::function``.
        rows: By name or pattern.
    """

    distribution: str
    commit: str
    tests: tuple[str, ...]
    rows: dict[str, Row]

    def row(self, test: str) -> Row | None:
        """Return the decision on a test: its own row, else that of the first pattern."""
        if test in self.rows:
            return self.rows[test]
        matches = (row for key, row in self.rows.items() if fnmatchcase(test, key))
        return next((row for row in matches if row.kind == "does not apply"), None)

    def problems(self) -> Iterator[str]:
        """Yield what is missing or wrong, with the remedy where it is not plain."""
        for test in self.tests:
            if self.row(test) is None:
                yield f"{test}: no row"
        for key, row in self.rows.items():
            if not any(self.row(test) is row for test in self.tests):
                yield f"{key}: there is no such test"
            for name in row.ours:
                if name not in our_tests():
                    yield f"{key}: there is no test '{name}' here"
            if row.link and row.link not in headings():
                yield f"{key}: there is no heading '{row.link}' in docs/"

    def totals(self) -> Counter[str]:
        """Count the tests by decision."""
        return Counter(row.kind for test in self.tests if (row := self.row(test)))


def tests_below(folder: Path) -> Iterator[str]:
    """Yield the tests below a folder as ``file::function``, without importing them."""
    for file in sorted(folder.rglob("test_*.py")):
        module = ast.parse(file.read_text("utf-8"))
        for test, _ in tests_in(module, set()):
            yield f"{file.relative_to(folder).as_posix()}::{test}"


@cache
def our_tests() -> frozenset[str]:
    """Return the names of our own tests."""
    return frozenset(tests_below(ROOT / "tests"))


@cache
def headings() -> frozenset[str]:
    """Return the headings of our documentation as ``page.md#heading``."""
    return frozenset(
        f"{page.name}#{anchor(line)}"
        for page in (ROOT / "docs").glob("*.md")
        for line in page.read_text("utf-8").splitlines()
        if line.startswith("#")
    )


def anchor(heading: str) -> str:
    """Return the name by which a link finds a heading."""
    words = re.sub(r"[^\w\- ]", "", heading.lstrip("#").strip().lower())
    return words.replace(" ", "-")


@cache
def suites() -> tuple[Suite, ...]:
    """Read all lists with their rows."""
    found = []
    for file in sorted(LISTS.glob("*.json")):
        listed = json.loads(file.read_text("utf-8"))
        decided = tomllib.loads((HERE / "tests" / f"{file.stem}.toml").read_text("utf-8"))
        rows = {key: Row.parse(value) for key, value in decided["tests"].items()}
        distribution, commit = listed["distribution"], listed["commit"]
        found.append(Suite(distribution, commit, tuple(listed["tests"]), rows))
    return tuple(found)


def page_section() -> str:
    """Return the section of the documentation: totals, and a row for each difference."""
    text = f"{HEADING}\n\n"
    text += "From the files in `tests/parity/tests`, written by `make parity`: each test of the "
    text += "extensions has a row there, with our test that proves the same or the reason why it "
    text += (
        "does not apply.\n\n| Extension | Commit | Tests | Proven here | Differ | Do not apply |"
    )
    text += "\n|---|---|---|---|---|---|\n"
    for suite in suites():
        count = suite.totals()
        cells = (len(suite.tests), *(count[kind] for kind in KINDS))
        text += f"| {suite.distribution} | `{suite.commit}` | "
        text += " | ".join(map(str, cells)) + " |\n"
    differences = [
        f"| {suite.distribution} | `{key.rpartition('::')[2]}` | [{row.text}]({row.link}) |\n"
        for suite in suites()
        for key, row in suite.rows.items()
        if row.kind == "differs"
    ]
    if differences:
        text += "\n| Extension | Test that differs | Here |\n|---|---|---|\n"
        text += "".join(differences)
    return text


def main() -> None:
    """Write the list of the tests of one extension."""
    distribution, folder, commit = sys.argv[1:]
    content = {
        "distribution": distribution,
        "commit": commit[:7],
        "tests": list(tests_below(Path(folder))),
    }
    file = LISTS / f"{distribution.lower()}.json"
    file.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
