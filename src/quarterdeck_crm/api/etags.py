"""Versions as ETags: a change names the version it is based on, and fails if it is outdated."""

from __future__ import annotations

from collections.abc import Collection
from zlib import crc32

from quart import request
from werkzeug.exceptions import PreconditionRequired

from quarterdeck_crm.history.recording import VersionedRow, require_version

NO_VERSION = -1  # of no row, so that the services refuse it as they refuse an old one


def etag_of(row: VersionedRow, extras: Collection[object] = ()) -> str:
    """Return the ETag of a row, without quotes.

    Args:
        row: The row; its version comes first.
        extras: Names in the representation that may change while the version stays.
    """
    return f"{row.version}-{crc32(repr(extras).encode()):x}" if extras else str(row.version)


def expected_version(row: VersionedRow) -> int:
    """Return the version that ``If-Match`` names, for a service that compares it.

    Raises:
        PreconditionRequired: If the request has no ``If-Match``.
        StaleError: If it has read another version than the present one.
    """
    version = named_version(row)
    if version is None:
        raise PreconditionRequired(
            "Read the resource first, and send its ETag as 'If-Match' with the change."
        )
    return version


def named_version(row: VersionedRow) -> int | None:
    """Return the version that ``If-Match`` names, None if it is not sent.

    Raises:
        StaleError: If it is another than the present one.
    """
    if "If-Match" not in request.headers:
        return None
    tags = request.if_match
    versions = {tag.partition("-")[0] for tag in tags.as_set() if tag}  # None stands for ``""``
    if not (tags.star_tag or str(row.version) in versions):
        require_version(row, NO_VERSION)
    return row.version
