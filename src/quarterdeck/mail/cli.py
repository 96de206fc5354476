"""The ``mail`` commands."""

from __future__ import annotations

import asyncio
import signal
from email import message_from_bytes
from email.policy import default as modern

import click

from quarterdeck._cli import AppGroup

from .config import STATE, required
from .outbox import Outbox, OutboxMail, State

PAGE = 200


@click.group("mail", cls=AppGroup)
def commands() -> None:
    """Look after the mail that waits in the outbox."""


@commands.command("list")
@click.option("--dead", "state", flag_value="dead", help="Only mail that was given up.")
@click.option("--waiting", "state", flag_value="waiting", help="Only mail to be sent.")
async def list_command(state: State | None) -> None:
    """Show the mail, one line each: id, state, attempts, time, recipients, subject, error."""
    outbox, after, count = _outbox(), 0, 0
    while mails := await outbox.list(state=state, limit=PAGE, after=after):
        for mail in mails:
            click.echo(_line(mail))
        after, count = mails[-1].id, count + len(mails)
    if not count:
        click.echo("No mail.")


@commands.command("show")
@click.argument("mail_id", metavar="ID", type=int)
@click.option("--source", is_flag=True, help="Show the whole mail as it is sent.")
async def show_command(mail_id: int, source: bool) -> None:
    """Show one mail with its text. It may hold links that sign its reader in."""
    mail, envelope = await _outbox().get(mail_id)
    click.echo(_line(mail))
    if source:
        click.echo(envelope.content.decode("utf-8", "replace").replace("\r\n", "\n"))
        return
    parsed = message_from_bytes(envelope.content, policy=modern)
    body = parsed.get_body(("plain", "html"))
    click.echo("\n" + (body.get_content() if body is not None else ""))


@commands.command("retry")
@click.argument("mail_id", metavar="[ID]", type=int, required=False)
async def retry_command(mail_id: int | None) -> None:
    """Send a mail at once, or without ID all mail that was given up."""
    count = await _outbox().retry(mail_id)
    click.echo(f"{count} mails are due now. The relay sends them.")


@commands.command("purge")
@click.argument("mail_id", metavar="[ID]", type=int, required=False)
@click.option("--yes", is_flag=True, help="Do not ask.")
async def purge_command(mail_id: int | None, yes: bool) -> None:
    """Delete a mail unsent, or without ID all mail that was given up."""
    which = "all mail that was given up" if mail_id is None else f"mail {mail_id}"
    if not yes:
        click.confirm(f"Delete {which} without sending it?", abort=True)
    click.echo(f"{await _outbox().purge(mail_id)} mails are deleted.")


@commands.command("relay")
@click.option("--once", is_flag=True, help="Send what is due, and end.")
async def relay_command(once: bool) -> None:
    """Send the mail of the outbox until SIGTERM or Ctrl-C; needed if no server process does."""
    relay = required(STATE.get().relay)
    if once:
        click.echo(f"{await relay.send_due()} mails are sent.")
        return
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await relay.start()
    click.echo("The relay is running.")
    await stop.wait()
    await relay.stop()
    click.echo(f"{relay.counts.sent} mails were sent.")


def _outbox() -> Outbox:
    return required(STATE.get().outbox)


def _line(mail: OutboxMail) -> str:
    fields = [
        str(mail.id),
        mail.state,
        f"{mail.attempts} attempts",
        f"{mail.created:%Y-%m-%d %H:%M}",
        ", ".join(mail.recipients),
        mail.subject or "(no subject)",
        mail.error,
    ]
    return "  ".join(field for field in fields if field)
