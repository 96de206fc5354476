"""Mail in a list, for tests."""

from __future__ import annotations

from quarterdeck.mail.envelope import Envelope

from .base import Backend, Transport


class MemoryBackend(Backend, Transport):
    """Keeps messages in ``messages`` until the process ends."""

    def __init__(self) -> None:
        self.messages: list[Envelope] = []

    async def connect(self) -> Transport:
        return self

    async def deliver(self, envelope: Envelope) -> None:
        self.messages.append(envelope)
