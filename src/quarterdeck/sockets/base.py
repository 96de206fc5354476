"""The contract of a back end: what there is to write for another technology.

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
    """Somebody who is in a room.

    Attributes:
        id: The member's.
        name: The member's.
        doing: ``"looking"`` or ``"editing"``.
    """

    id: str
    name: str
    doing: str = "looking"


class Backend(ABC):
    """What connects the processes of an application; one instance per app."""

    name: ClassVar[str]

    @abstractmethod
    async def start(self, deliver: Deliver, on_gap: OnGap, on_presence: OnPresence) -> None:
        """Begin to bring events; called once, on the event loop that serves.

        Args:
            deliver: To be called with every event of every process, once and in order. It does
                not wait.
            on_gap: To be called with the id after which events will be complete: at first
                before any event, and whenever events were lost.
            on_presence: To be called with a room when people came or went, in any process.
        """

    @abstractmethod
    async def stop(self) -> None:
        """End what ``start`` began and close clients; may be called without it, and twice."""

    @abstractmethod
    async def publish(self, event: Event) -> str:
        """Give an event its id, send it to all processes, and return the id.

        Where the processes cannot be reached, the event waits, and the id is empty.

        Works without ``start`` too: a command publishes and does not listen.
        """

    @property
    def waiting(self) -> int:
        """How many events wait until the processes can be reached."""
        return 0

    @abstractmethod
    async def set_presence(self, room: str, people: Sequence[Person]) -> None:
        """Say who is in a room by way of this process; it replaces what was said before."""

    @abstractmethod
    async def here(self, room: str) -> Sequence[Person]:
        """Return who is in a room by way of any process; somebody may be there several times."""

    @abstractmethod
    async def check(self) -> None:
        """Raise what is wrong, for a health page."""
