"""The messages of the server, and the items that a client yields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from quarterdeck.sockets.event import Event


@dataclass(frozen=True, slots=True)
class Gap:
    """Events of a room are missing and the server no longer has them: reload the state."""

    room: str


@dataclass(frozen=True, slots=True)
class Presence:
    """The members in a room now, each with ``id``, ``name`` and ``doing``."""

    room: str
    here: tuple[Mapping[str, Any], ...]


Happening = Event | Gap | Presence


class ServerMessage(msgspec.Struct):
    """Any message of the server; unknown types and fields are ignored."""

    type: str
    room: str = ""
    id: str = ""
    name: str = ""
    data: Any = None
    at: str = ""
    replayed: int = 0
    here: tuple[dict[str, Any], ...] = ()
    code: str = ""
    detail: str = ""
