"""One body in the format of gzip, its length hidden a little."""

from __future__ import annotations

import gzip
import io
import secrets

#: The longest random file name in the header. An attacker who can put text into a page beside a
#: secret learns the secret from the lengths of many answers (BREACH); names of random length blur
#: them, as Django's GZipMiddleware does ("Heal the Breach", IEEE Access 2022).
MAX_RANDOM = 100


def gzip_body(data: bytes, level: int) -> bytes:
    """Return ``data`` compressed, with a random file name of up to :data:`MAX_RANDOM` letters."""
    out = io.BytesIO()
    name = secrets.token_hex(MAX_RANDOM // 2)[: secrets.randbelow(MAX_RANDOM + 1)]
    with gzip.GzipFile(filename=name, mode="wb", compresslevel=level, fileobj=out, mtime=0) as file:
        file.write(data)
    return out.getvalue()
