"""Static files from the installed package: compressed once, kept in memory, cached for long."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from quart import Response, request
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


async def send_asset(folder: Path, filename: str, *, immutable: bool) -> Response:
    """Answer with a file of ``folder``; for a year if its address is ``immutable``."""
    asset = await asyncio.to_thread(_read, folder, filename)
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
