"""``crm sessions``: list and end the browser sessions of a user."""

from __future__ import annotations

import click

from quarterdeck.commands import AppGroup
from quarterdeck_crm.auth.services import delete_browser_sessions
from quarterdeck_crm.errors import NotFoundError
from quarterdeck_crm.extensions import db, hub
from quarterdeck_crm.extensions import sessions as browser_sessions
from quarterdeck_crm.team.services import end_sessions

from .user import find_user

KEY_LENGTH = 12  # characters of a key that are shown, and enough to name it

sessions = AppGroup("sessions", help="List and end the browser sessions of a user.")


@sessions.command("list")
@click.argument("email")
async def list_(email: str) -> None:
    """List where EMAIL is signed in: key, when it began, was last seen, and ends."""
    user = await find_user(email)
    for found in await browser_sessions.find(user.id):
        times = (found.created, found.seen, found.expires)
        shown = "  ".join(f"{time:%Y-%m-%d %H:%M}" for time in times)
        click.echo(f"{_short(found.key)}  {shown}")


@sessions.command()
@click.argument("email")
@click.option("--key", help="Only the session that 'crm sessions list' shows with this key.")
async def end(email: str, key: str | None) -> None:
    """Sign EMAIL out everywhere, or end one session."""
    user = await find_user(email)
    if key is not None:
        found = await browser_sessions.find(user.id)
        chosen = [each.key for each in found if _short(each.key) == key]
        if not chosen:
            raise NotFoundError(f"'{key}' is no session of {email}. See 'crm sessions list'.")
        await browser_sessions.end(user.id, only=chosen[0])
        await hub.reconsider(str(user.id))
        click.echo(f"Ended the session {key} of {user.email}.")
        return
    async with db.transaction() as session:
        await end_sessions(session, user=user)
    await delete_browser_sessions(user)
    click.echo(f"Signed {user.email} out everywhere.")


def _short(key: str) -> str:
    """The beginning of the hash in a key."""
    return key.rpartition(":")[2][:KEY_LENGTH]
