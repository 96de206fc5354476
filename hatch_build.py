"""Carry files of the repository in the wheel: those of the CRM, and the skeleton of new apps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

RESOURCES = (
    "templates",
    "static",
    "migrations",
    "translations",
    "hypercorn.toml",
)  # quarterdeck_crm/paths.py
SKELETON = Path("examples/tutorial/step8")  # quarterdeck/commands/new.py
LEFT_BEHIND = {"__pycache__", "instance", ".pytest_cache", ".env"}


class ResourcesHook(BuildHookInterface[Any]):
    """Only for real wheels: an editable install reads the checkout itself."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version != "standard":
            return
        included = {name: f"quarterdeck_crm/_resources/{name}" for name in RESOURCES}
        for path in (Path(self.root) / SKELETON).rglob("*"):
            name = path.relative_to(Path(self.root) / SKELETON)
            if path.is_file() and LEFT_BEHIND.isdisjoint(name.parts):
                included[str(SKELETON / name)] = f"quarterdeck/_skeleton/{name.as_posix()}"
        build_data["force_include"] |= included
