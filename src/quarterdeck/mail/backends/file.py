"""Mail in files, one for each message, which mail programs can open."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

from quarterdeck.exceptions import TemporaryDeliveryError
from quarterdeck.mail.envelope import Envelope

from .base import Backend, Transport


class FileBackend(Backend, Transport):
    """Writes ``NAME.eml`` files; a message that is sent again replaces its file.

    Args:
        folder: Made at the first message, for its owner alone.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def connect(self) -> Transport:
        return self

    async def deliver(self, envelope: Envelope) -> None:
        name = hashlib.sha256(envelope.message_id.encode()).hexdigest()[:32]
        try:
            await asyncio.to_thread(self._write, f"{name}.eml", envelope.content)
        except OSError as error:
            raise TemporaryDeliveryError(str(self.folder), str(error)) from error

    def _write(self, name: str, content: bytes) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self.folder / f".{name}.{os.urandom(4).hex()}"
        unfinished.write_bytes(content)
        unfinished.replace(self.folder / name)
