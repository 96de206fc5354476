"""Print a constraints file that pins each declared dependency to its lower bound.

``python -m tests.versions.lowest``, as used by ``make test-lowest``.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def requirements() -> Iterator[str]:
    """Yield the requirements of the distribution and of its extras, as declared."""
    table = tomllib.loads(PROJECT.read_text("utf-8"))["project"]
    yield from table["dependencies"]
    for extra in table["optional-dependencies"].values():
        yield from extra


def lowest() -> Iterator[str]:
    """Yield a pin per dependency, the highest of its lower bounds if it is declared twice."""
    bounds: dict[str, str] = {}
    for requirement in requirements():
        found = re.match(r"([\w.-]+)(?:\[[\w,-]+\])?>=([\d.]+)", requirement)
        if found:
            name, version = found[1].lower(), found[2]
            bounds[name] = max(bounds.get(name, "0"), version, key=_sortable)
    for name, version in sorted(bounds.items()):
        yield f"{name}=={version}"


def _sortable(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


if __name__ == "__main__":
    sys.stdout.write("\n".join(lowest()) + "\n")
