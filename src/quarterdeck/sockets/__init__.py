"""Live events over WebSockets: rooms, presence, and a log from which a client catches up."""

from __future__ import annotations

from .base import Backend, Person
from .connection import Member
from .event import Event
from .extension import Hub

__all__ = ["Backend", "Event", "Hub", "Member", "Person"]
