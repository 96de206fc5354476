"""The contract of a back end, to implement for another way of sending."""

from __future__ import annotations

from abc import ABC, abstractmethod

from quarterdeck.mail.envelope import Envelope


class Transport(ABC):
    """An open connection; it serves one task at a time."""

    @property
    def is_open(self) -> bool:
        """Whether it can still deliver."""
        return True

    @abstractmethod
    async def deliver(self, envelope: Envelope) -> None:
        """Hand over a message.

        Raises:
            TemporaryDeliveryError: If a retry may work.
            PermanentDeliveryError: If the server refuses the message.
            RecipientsRefusedError: If it refuses recipients; the others get the message.
        """

    async def close(self) -> None:
        """Close the connection; it never fails."""
        return


class Backend(ABC):
    """Opens connections; one instance per app."""

    @abstractmethod
    async def connect(self) -> Transport:
        """Open a connection.

        Raises:
            TemporaryDeliveryError: If there is no connection.
        """
