"""Comments that silence a tool."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
PRAGMA = re.compile(r"# ?(?:noqa|type: ?ignore)\b.*")
REASONED = re.compile(
    r"# (?:noqa: [A-Z]+[0-9]+(?:, [A-Z]+[0-9]+)*|type: ignore\[[a-z-]+(?:, [a-z-]+)*\])"
    r"(?: - |  # )\S.*"
)


def without_reason(line: str) -> bool:
    """Whether a line silences a tool without a code, or without a reason after it."""
    pragma = PRAGMA.search(line)
    return pragma is not None and not REASONED.fullmatch(pragma[0])


def test_silenced_rules_have_a_code_and_a_reason() -> None:
    """In the same comment: ``# noqa: S311  # no secret``; for many, see pyproject.toml."""
    found = [
        f"{path.relative_to(SOURCE)}:{number}: {line.strip()}"
        for path in sorted(SOURCE.rglob("*.py"))
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if without_reason(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("line", "is_refused"),
    [
        ("x = 1", False),
        ("x = 1  # noqa: S311  # no secret", False),
        ("x = 1  # noqa: S311, S105 - no secret", False),
        ("x = 1  # type: ignore[misc, arg-type]  # not in the stubs", False),
        ("x = 1  # noqa", True),
        ("x = 1  # noqa: S311", True),
        ("x = 1  # noqa - no secret", True),
        ("x = 1  # type: ignore", True),
        ("x = 1  # type:ignore[misc]", True),
        ("x = 1  # type: ignore[misc]  #", True),
    ],
)
def test_comments_are_read(line: str, is_refused: bool) -> None:
    assert without_reason(line) == is_refused
