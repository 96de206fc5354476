"""The interface that a back end implements.

A back end gives every event its id and brings the events of all processes, in the order of
their ids, to every process. The log, the rooms and the connections are the hub's, above it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from .event import Event

Deliver = Callable[[Event], None]
OnGap = Callable[[str], None]
OnPresence = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Person:
    """A member in a room.

    Attributes:
        id: The member's.
        name: The member's.
        doing: ``"looking"`` or ``"editing"``.
    """

    id: str
    name: str
    doing: str = "looking"


class Backend(ABC):
    """The connection between the processes of an application; one instance per app."""

    name: ClassVar[str]

    @abstractmethod
    async def start(self, deliver: Deliver, on_gap: OnGap, on_presence: OnPresence) -> None:
        """Begin to deliver events; called once, on the event loop that serves.

        Args:
            deliver: Called with every event of every process, once and in order. It returns at
                once.
            on_gap: Called with the id after which events will be complete: before the first
                event, and whenever events were lost.
            on_presence: Called with a room when members entered or left it, in any process.
        """

    @abstractmethod
    async def stop(self) -> None:
        """Stop delivering and close clients; may be called twice, or without ``start``."""

    @abstractmethod
    async def publish(self, event: Event) -> str:
        """Give an event its id, send it to all processes, and return the id.

        If the processes cannot be reached, the event waits, and the id is empty.

        Works without ``start`` too: a command publishes and does not listen.
        """

    @property
    def waiting(self) -> int:
        """The number of events that wait until the processes can be reached."""
        return 0

    @abstractmethod
    async def set_presence(self, room: str, people: Sequence[Person]) -> None:
        """Set the members that are in a room through this process, in place of the last list."""

    @abstractmethod
    async def here(self, room: str) -> Sequence[Person]:
        """Return the members in a room, of all processes; a member may be listed several times."""

    @abstractmethod
    async def check(self) -> None:
        """Raise an error if the back end does not work, for a health page."""
