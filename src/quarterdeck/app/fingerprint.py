"""Fingerprints of static files: a URL that changes with the file can be kept for a year."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from werkzeug.security import safe_join

if TYPE_CHECKING:
    import quart

#: Seconds a browser may keep a file whose URL carries its fingerprint.
ONE_YEAR = 31_536_000


class Fingerprints:
    """The fingerprints of files, each read once in the life of the process."""

    def __init__(self) -> None:
        self._known: dict[str, str | None] = {}

    def of(self, path: str) -> str | None:
        """Return the fingerprint of a file; None if there is no such file."""
        if path not in self._known:
            self._known[path] = _digest(Path(path))
        return self._known[path]

    def of_url(self, app: quart.Quart, endpoint: str, filename: str) -> str | None:
        """Return the fingerprint of the file that a static endpoint serves under ``filename``."""
        owner_name, _, last = endpoint.rpartition(".")
        owner = app.blueprints.get(owner_name) if owner_name else app
        if last != "static" or owner is None or owner.static_folder is None:
            return None
        path = safe_join(str(owner.static_folder), filename)
        return self.of(path) if path is not None else None

    def read_ahead(self, folders: Iterable[str]) -> None:
        """Read every file below the folders, so that no request has to wait for it."""
        for folder in folders:
            for path in Path(folder).rglob("*"):
                self.of(str(path))


def _digest(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=6)).hexdigest()
    except OSError:
        return None
