"""Which files are taken: by the end of their name, and by their contents.

Both must agree. A name is what the sender chose; the first bytes tell what programs will make
of the file.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import IO

import puremagic

_OFFICE = "application/vnd.openxmlformats-officedocument"
_OPEN = "application/vnd.oasis.opendocument"

PICTURES = {
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
}
TEXTS = {".csv": "text/csv", ".md": "text/markdown", ".txt": "text/plain"}
DOCUMENTS = {
    ".docx": f"{_OFFICE}.wordprocessingml.document",
    ".odp": f"{_OPEN}.presentation",
    ".ods": f"{_OPEN}.spreadsheet",
    ".odt": f"{_OPEN}.text",
    ".pdf": "application/pdf",
    ".pptx": f"{_OFFICE}.presentationml.presentation",
    ".xlsx": f"{_OFFICE}.spreadsheetml.sheet",
    ".zip": "application/zip",
}
ATTACHABLE = PICTURES | TEXTS | DOCUMENTS

PIECE = 64 * 1024
_CONTROL = bytes({*range(32), 127} - set(b"\t\n\f\r"))


def extension_of(name: str) -> str:
    """Return the end of a file name, in lower case: ``.pdf``."""
    return PurePath(name).suffix.lower()


def contents_fit(stream: IO[bytes], extension: str) -> bool:
    """Whether a file is what its extension says; reads the stream from its start."""
    stream.seek(0)
    if extension in TEXTS:
        return _is_text(stream)
    try:
        found = puremagic.magic_stream(stream)
    except (puremagic.PureError, ValueError):
        return False
    return extension in {match.extension for match in found}


def _is_text(stream: IO[bytes]) -> bool:
    """Text in any encoding that writes letters as bytes: no control characters."""
    while piece := stream.read(PIECE):
        if piece.translate(None, delete=_CONTROL) != piece:
            return False
    return True
