"""The configuration keys of Compress, and its state for one app."""

from __future__ import annotations

from dataclasses import dataclass

from quarterdeck._state import ExtensionState
from quarterdeck.config import ConfigKey, boolean, integer, text_list

CONFIG = (
    ConfigKey(
        "COMPRESS_LEVEL",
        4,
        integer(1, 9),
        "How hard gzip tries: 9 takes three times as long as 4, for 4 % fewer bytes.",
    ),
    ConfigKey(
        "COMPRESS_MIMETYPES",
        [
            "text/html",
            "text/css",
            "text/plain",
            "text/xml",
            "text/csv",
            "text/calendar",
            "application/json",
            "application/problem+json",
            "application/javascript",
            "text/javascript",
            "image/svg+xml",
        ],
        text_list,
        "The media types that are compressed; pictures and archives are already.",
    ),
    ConfigKey(
        "COMPRESS_MIN_SIZE",
        500,
        integer(0),
        "Bytes below which a body is sent as it is.",
    ),
    ConfigKey(
        "COMPRESS_REGISTER",
        True,
        boolean,
        "Whether all views are compressed; else only those with `@compress.compressed()`.",
    ),
)


@dataclass(frozen=True, slots=True)
class CompressState:
    """The checked configuration of one app."""

    level: int
    mimetypes: frozenset[str]
    min_size: int


STATE: ExtensionState[CompressState] = ExtensionState("compress", "Compress")
