"""Which files are taken: by the end of their name, and by their contents.

Both must agree. The sender chose the name; programs go by the first bytes.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import IO

import puremagic

from .containers import is_archive, is_office_document, is_open_document

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
MAIN_TYPES = {
    extension: f"{media_type}.main+xml"
    for extension, media_type in DOCUMENTS.items()
    if media_type.startswith(_OFFICE)
}
OPEN_DOCUMENTS = {".odp", ".ods", ".odt"}
ATTACHABLE = PICTURES | TEXTS | DOCUMENTS

PIECE = 64 * 1024
_CONTROL = bytes({*range(32), 127} - set(b"\t\n\f\r"))


def extension_of(name: str) -> str:
    """Return the end of a file name, in lower case: ``.pdf``."""
    return PurePath(name).suffix.lower()


def contents_fit(stream: IO[bytes], extension: str) -> bool:
    """Return whether a file fits its extension; reads the stream from its start."""
    stream.seek(0)
    if extension in TEXTS:
        return _is_text(stream)
    if extension == ".zip":
        return is_archive(stream)
    if extension in MAIN_TYPES:
        return is_office_document(stream, MAIN_TYPES[extension])
    if extension in OPEN_DOCUMENTS:
        return is_open_document(stream, DOCUMENTS[extension])
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
