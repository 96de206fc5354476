"""Fail if a page of the built site loads something from another host, which no reader offline has.

python -m tests.policies.site build/docs
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

LOADED = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?((?:https?:)?//[^"'\s>]+)"""
    r"""|<link\b[^>]*\bhref=["']?((?:https?:)?//[^"'\s>]+)"""
    r"""|(?:url\(|@import\s+)["']?((?:https?:)?//[^"')\s]+)"""
)


def foreign(folder: Path) -> list[str]:
    """Return a line for each thing that a page or style sheet loads from another host."""
    files = [*folder.rglob("*.html"), *folder.rglob("*.css")]
    return [
        f"{file.relative_to(folder)}: {next(filter(None, match.groups()))}"
        for file in files
        for match in LOADED.finditer(file.read_text("utf-8"))
    ]


if __name__ == "__main__":
    found = foreign(Path(sys.argv[1]))
    sys.exit("\n".join(["Loaded from another host:", *found]) if found else 0)
