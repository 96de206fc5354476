"""Carry what stands at the top of the repository in the wheel (quarterdeck_crm/paths.py)."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

RESOURCES = ("templates", "static", "migrations", "hypercorn.toml")


class ResourcesHook(BuildHookInterface[Any]):
    """Only for real wheels: an editable install reads the checkout itself."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":
            build_data["force_include"] |= {
                name: f"quarterdeck_crm/_resources/{name}" for name in RESOURCES
            }
