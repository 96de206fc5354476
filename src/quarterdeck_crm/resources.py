"""Where the pages, assets, migrations and server settings are.

In a checkout they stand at the top of the repository; in an installed wheel they
travel inside this package.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
_INSTALLED = _PACKAGE / "_resources"

IS_INSTALLED = _INSTALLED.is_dir()
ROOT = _INSTALLED if IS_INSTALLED else _PACKAGE.parents[1]
TEMPLATES = ROOT / "templates"
STATIC = ROOT / "static"
MIGRATIONS = ROOT / "migrations"
HYPERCORN = ROOT / "hypercorn.toml"
