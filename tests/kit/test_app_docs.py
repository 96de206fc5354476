"""The chapter on hardening names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHAPTER = (ROOT / "docs" / "hardening.md").read_text()
NAMED = sorted(set(re.findall(r"`((?:\w+/)?test_\w+\.py)::(test_\w+)`", CHAPTER)))


@pytest.mark.parametrize(("file", "name"), NAMED, ids=[name for _, name in NAMED])
def test_a_named_test_exists(file: str, name: str) -> None:
    folders = [ROOT / "tests" / part for part in ("", "kit", "crm")]
    texts = [(folder / file).read_text() for folder in folders if (folder / file).exists()]
    assert f"def {name}(" in "".join(texts)


def test_every_line_of_the_tables_names_a_test() -> None:
    rows = [line for line in CHAPTER.splitlines() if line.startswith("| ")]
    assert len(rows) > 50
    for row in rows:
        assert "::test_" in row or row.lower().endswith("| test |"), row
