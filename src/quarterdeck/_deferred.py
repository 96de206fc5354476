"""Names of a package that are imported at their first use, because their modules are slow."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


def deferred(package: str, homes: dict[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package, which type checkers must not see.

    Args:
        package: The name of the package, in which each name is kept after its first use.
        homes: The module below the package that defines each name.
    """

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = import_module(package)
        found = getattr(import_module(f".{homes[name]}", package), name)
        setattr(module, name, found)
        return found

    return find
