"""Mail on standard output, for development."""

from __future__ import annotations

import click

from quarterdeck.mail.envelope import Envelope

from .base import Backend, Transport


class ConsoleBackend(Backend, Transport):
    """Prints each message between two rules."""

    async def connect(self) -> Transport:
        return self

    async def deliver(self, envelope: Envelope) -> None:
        text = envelope.content.decode("utf-8", "replace").replace("\r\n", "\n")
        rule = "-" * 72
        click.echo(f"{rule}\n{text}\n{rule}")
