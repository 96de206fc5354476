"""Where the pages, assets, migrations and server settings are.

In a checkout they stand at the top of the repository; in an installed wheel they
travel inside this package.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parent
_INSTALLED = _PACKAGE / "_resources"

IS_INSTALLED = _INSTALLED.is_dir()
ROOT = _INSTALLED if IS_INSTALLED else _PACKAGE.parents[1]
TEMPLATES = ROOT / "templates"
STATIC = ROOT / "static"
MIGRATIONS = ROOT / "migrations"
TRANSLATIONS = ROOT / "translations"
HYPERCORN = ROOT / "hypercorn.toml"


@cache
def static_path() -> str:
    """Return the path that static files are served under, another one when any file changes.

    Browsers may then keep them for long, and modules that import each other stay together.
    """
    digest = hashlib.sha256()
    for path in sorted(path for path in STATIC.rglob("*") if path.is_file()):
        digest.update(path.relative_to(STATIC).as_posix().encode() + b"\0")
        digest.update(path.read_bytes())
    return f"/static/{digest.hexdigest()[:10]}"
