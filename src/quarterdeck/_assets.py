"""Static files that rooms bring along: compressed once, kept in memory, cached for long."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader
from quart import Blueprint, Response, request
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

_YEAR = 365 * 24 * 3600
_FOREIGN_IMPORT = re.compile(rb"@import\s*(?:url\()?[\"']?https?://[^;]*;")
_TYPES = {".woff2": "font/woff2", ".woff": "font/woff", ".map": "application/json"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent."""

    body: bytes
    compressed: bytes | None
    media_type: str
    etag: str

    @classmethod
    def read(cls, path: Path) -> Asset:
        """Read and compress a file; fonts are compressed already."""
        body = path.read_bytes()
        if path.suffix == ".css":  # Bootswatch themes ask a foreign host for their fonts
            body = _FOREIGN_IMPORT.sub(b"", body)
        media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
        return cls(
            body=body,
            compressed=None if path.suffix in {".woff2", ".woff"} else gzip.compress(body, 9),
            media_type=media_type or "application/octet-stream",
            etag=hashlib.sha256(body).hexdigest()[:32],
        )


class AssetBlueprint(Blueprint):
    """The files of a room under ``/<room>/static`` with their version in every address.

    Args:
        name: The room; its endpoint is ``<name>.static``.
        folder: Where the files are.
        version: Changes whenever a file does. Answers are cached for a year under the current
            version only.
        templates: Folders of templates, the first wins.
    """

    def __init__(
        self, name: str, *, folder: Path, version: str, templates: tuple[Path, ...] = ()
    ) -> None:
        super().__init__(
            name, __name__, static_folder=str(folder), static_url_path=f"/{name}/static"
        )
        self._folder = folder
        self._version = version
        self._templates = templates
        self.url_defaults(self._add_version)

    @cached_property
    def jinja_loader(self) -> FileSystemLoader | None:
        """The templates of the room, if it has any."""
        return FileSystemLoader(self._templates) if self._templates else None

    async def send_static_file(self, filename: str) -> Response:
        """Answer with a file of the folder."""
        asset = await asyncio.to_thread(_read, self._folder, filename)
        return await _send(asset, immutable=request.args.get("v") == self._version)

    def _add_version(self, endpoint: str, values: dict[str, Any]) -> None:
        values.setdefault("v", self._version)


async def _send(asset: Asset, *, immutable: bool) -> Response:
    compressed = asset.compressed if request.accept_encodings.quality("gzip") > 0 else None
    response = Response(compressed or asset.body, content_type=_content_type(asset))
    response.set_etag(f"{asset.etag}-gzip" if compressed else asset.etag)
    if compressed:
        response.content_encoding = "gzip"
    response.vary.add("Accept-Encoding")
    response.cache_control.public = True
    response.cache_control.max_age = _YEAR if immutable else 0
    if immutable:
        response.cache_control.immutable = True
    await response.make_conditional(request)
    return response


@lru_cache(maxsize=64)
def _read(folder: Path, filename: str) -> Asset:
    path = safe_join(str(folder), filename)
    if path is None or not Path(path).is_file():
        raise NotFound
    return Asset.read(Path(path))


def _content_type(asset: Asset) -> str:
    text = asset.media_type.startswith("text/")
    return f"{asset.media_type}; charset=utf-8" if text else asset.media_type
