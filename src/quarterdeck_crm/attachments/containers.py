"""Look into zip containers: the directory and two small parts, whatever the rest holds."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from typing import IO

MAX_ENTRIES = 10_000
MAX_DIRECTORY = 2 * 1024 * 1024
MAX_PART = 1024 * 1024  # inflated bytes that are read of one part

_MEDIA_TYPE = re.compile(r"""\bContentType\s*=\s*["']([^"']+)""")
_PART_NAME = re.compile(r"""\bPartName\s*=\s*["']/([^"']+)""")
_OVERRIDE = re.compile(r"<(?:\w+:)?Override\b[^>]*>")
_END = struct.Struct("<4s4H2LH")  # the record at the end of an archive
_LONGEST_END = _END.size + 0xFFFF
_UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError),
    *(KeyError, ValueError, RuntimeError),  # no such part; not ASCII; encrypted or unknown method
)


def is_archive(stream: IO[bytes]) -> bool:
    """Return whether a stream is a zip archive with a directory of its entries."""
    return _directory(stream) is not None


def is_open_document(stream: IO[bytes], media_type: str) -> bool:
    """Return whether a stream is an OpenDocument file of this media type."""
    if not _is_small(stream):
        return False
    try:
        with zipfile.ZipFile(stream) as archive:
            declared = _part(archive, "mimetype").decode("ascii").strip()
            return declared == media_type and "content.xml" in archive.NameToInfo
    except _UNREADABLE:
        return False


def is_office_document(stream: IO[bytes], main_type: str) -> bool:
    """Return whether a stream is an Office Open XML file whose main part has this type."""
    if not _is_small(stream):
        return False
    try:
        with zipfile.ZipFile(stream) as archive:
            types = _part(archive, "[Content_Types].xml").decode()
            return any(name in archive.NameToInfo for name in _parts_of_type(types, main_type))
    except _UNREADABLE:
        return False


def _parts_of_type(types: str, main_type: str) -> list[str]:
    """Return the names of the parts of a type. A parser would expand entities, this does not."""
    found = []
    for tag in _OVERRIDE.findall(types):
        media_type, name = _MEDIA_TYPE.search(tag), _PART_NAME.search(tag)
        if media_type and name and media_type[1] == main_type:
            found.append(name[1])
    return found


def _part(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as part:
        return part.read(MAX_PART)


def _is_small(stream: IO[bytes]) -> bool:
    """Return whether the directory can be held in memory."""
    found = _directory(stream)
    return found is not None and found[0] <= MAX_ENTRIES and found[1] <= MAX_DIRECTORY


def _directory(stream: IO[bytes]) -> tuple[int, int] | None:
    """Return the number of entries and the bytes of their directory; None if it is not there."""
    size = stream.seek(0, 2)
    tail_at = max(size - _LONGEST_END, 0)
    stream.seek(tail_at)
    tail = stream.read(_LONGEST_END)
    at = tail.rfind(b"PK\x05\x06")
    # Zip64 is for archives of 4 GB; in a small one it would only hide the true numbers.
    if at < 0 or len(tail) - at < _END.size or tail[max(at - 20, 0) : at].startswith(b"PK\x06\x07"):
        return None
    _, _, _, _, entries, length, _, _ = _END.unpack_from(tail, at)
    begin = tail_at + at - length
    if not entries or begin < 0:
        return None
    stream.seek(begin)
    return (entries, length) if stream.read(4) == b"PK\x01\x02" else None
