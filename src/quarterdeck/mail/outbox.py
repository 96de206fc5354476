"""The contract of an outbox: mail that waits in a database to be sent.

The relay claims mail for a limited time (the lease). A relay that dies loses its claims to the
next one, so nothing is lost; one that was only slow notices it by ``renew``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from .envelope import Envelope

State = Literal["waiting", "dead"]


@dataclass(frozen=True, slots=True)
class OutboxMail:
    """A mail in the outbox, as lists show it.

    Attributes:
        state: ``waiting`` to be sent, or ``dead``: refused for good or for too long.
        recipients: Those that did not get it yet.
        attempts: How often a server was asked to take it.
        due: The time of the next attempt, or when the claim of a relay ends; of dead mail, when
            it was given up.
        error: The reason of the last failure; empty if there was none.
    """

    id: int
    state: State
    message_id: str
    subject: str
    sender: str
    recipients: list[str]
    attempts: int
    created: datetime
    due: datetime
    error: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A mail that one relay may send now.

    Attributes:
        token: Of the relay that claimed it.
        ends: Unix time after which another relay may claim it.
    """

    id: int
    token: str
    ends: float
    attempts: int
    created: float
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class OutboxStatus:
    """How much mail there is, for metrics.

    Attributes:
        waiting: Mail to be sent.
        dead: Mail that needs a decision of an administrator.
        oldest: Age of the oldest waiting mail in seconds; 0 without any.
    """

    waiting: int
    dead: int
    oldest: float


class Outbox(ABC):
    """Where the mail waits."""

    @abstractmethod
    async def add(self, session: Any, envelope: Envelope) -> None:
        """Write a mail in the transaction of ``session``."""

    # --- for the relay ------------------------------------------------------------------

    @abstractmethod
    async def claim(self, token: str, *, limit: int, lease: float) -> list[Claim]:
        """Claim mail that is due, the oldest first, for ``lease`` seconds."""

    @abstractmethod
    async def renew(self, claim: Claim, *, lease: float) -> bool:
        """Begin the lease again; return whether the claim still holds."""

    @abstractmethod
    async def remove(self, claim: Claim) -> None:
        """Remove a mail that was sent."""

    @abstractmethod
    async def put_back(
        self,
        claim: Claim,
        *,
        delay: float = 0,
        error: str | None = None,
        attempts: int | None = None,
        recipients: Sequence[str] | None = None,
        is_dead: bool = False,
    ) -> None:
        """End a claim; the mail is due after ``delay`` seconds, or dead.

        Args:
            claim: One that ended already changes nothing.
            delay: In seconds.
            error: The reason; None leaves the last one.
            attempts: The new number of attempts; None leaves it.
            recipients: Those that are left; None leaves them.
            is_dead: Whether nothing is retried.
        """

    @abstractmethod
    async def next_due(self) -> float | None:
        """Return the Unix time at which the next mail is due; None without any."""

    # --- for administrators -------------------------------------------------------------

    @abstractmethod
    async def status(self) -> OutboxStatus:
        """Count the mail."""

    @abstractmethod
    async def list(
        self,
        *,
        state: State | None = None,
        limit: int = 100,
        after: int = 0,
        since: datetime | None = None,
    ) -> Sequence[OutboxMail]:
        """Return mail by id.

        Args:
            state: Only mail in this state.
            limit: The most to return.
            after: Only mail with a larger id.
            since: Only mail that is due then or later; dead mail is due when it was given up.
        """

    @abstractmethod
    async def get(self, mail_id: int) -> tuple[OutboxMail, Envelope]:
        """Return a mail with its content.

        Raises:
            OutboxMailNotFoundError: If there is none with this id.
        """

    @abstractmethod
    async def retry(self, mail_id: int | None = None) -> int:
        """Make a mail due now, or all dead mail; return how many.

        Raises:
            OutboxMailNotFoundError: If there is none with this id.
        """

    @abstractmethod
    async def purge(self, mail_id: int | None = None) -> int:
        """Delete a mail unsent, or all dead mail; return how many.

        Raises:
            OutboxMailNotFoundError: If there is none with this id, or a relay is sending it.
        """
