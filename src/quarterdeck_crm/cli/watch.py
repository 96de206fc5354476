"""``crm watch``: print the events of a local or remote CRM, one line each."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import click

from quarterdeck.exceptions import QuarterdeckError
from quarterdeck.sockets.client import Client, Event, Gap, Happening

PATH = "/ws"
INTERRUPTED = 130  # what a shell reports for a program that SIGINT ended
NOBODY = (
    "'CRM_TOKEN' is not set, so nobody knows who is watching. Make a token with "
    "'crm token create EMAIL --name watch --scope read' and set it."
)


@click.command()
@click.argument("room", default="orders")
@click.option(
    "--url",
    default="http://127.0.0.1:8000",
    envvar="CRM_URL",
    show_default=True,
    show_envvar=True,
    help="Where the CRM is.",
)
@click.option(
    "--token",
    envvar="CRM_TOKEN",
    show_envvar=True,
    help="A token of the scope 'read'; others on this machine cannot see it in the environment.",
)
@click.option("--since", metavar="ID", help="Begin after this event, if the server still has it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object per line.")
@click.pass_context
def watch(
    ctx: click.Context, room: str, url: str, token: str | None, since: str | None, as_json: bool
) -> None:
    """Print the events of ROOM until Ctrl-C. After a broken connection, print the missed ones.

    ROOM is orders (the default), deals, tasks or team, or one record: order:ID, account:ID,
    person:ID, deal:ID or task:ID.
    """
    if not token:
        raise click.UsageError(NOBODY)
    client = Client(url.rstrip("/") + PATH, token=token)
    try:
        asyncio.run(_watch(client, room, since, as_json))
    except KeyboardInterrupt:
        if last := client.last_id(room):
            click.echo(f"\nTo go on from here: crm watch {room} --since {last}", err=True)
        ctx.exit(INTERRUPTED)
    except QuarterdeckError as error:
        raise click.ClickException(str(error)) from None


async def _watch(client: Client, room: str, since: str | None, as_json: bool) -> None:
    async with client:
        await client.subscribe(room, since=since)
        async for happening in client:
            show(happening, as_json=as_json)


def show(happening: Happening, *, as_json: bool) -> None:
    """Print an event or a gap; ignore presence."""
    match happening:
        case Event() if as_json:
            click.echo(happening.frame)
        case Event():
            click.echo(line(happening))
        case Gap(room) if as_json:
            click.echo(json.dumps({"type": "gap", "room": room}))
        case Gap(room):
            click.echo(f"Events of '{room}' are missing here: the server has them no more.")


def line(event: Event) -> str:
    """Return the line for an event: time, subject, action, actor and id."""
    data = event.data if isinstance(event.data, dict) else {}
    at = datetime.fromtimestamp(event.position[0] / 1000, UTC).astimezone()
    words = f"{at:%Y-%m-%d %H:%M:%S}", *_what(event.name, data), _who(data), event.id
    return _printable(" ".join(word for word in words if word))


def _what(event: str, data: dict[str, Any]) -> tuple[str, ...]:
    kind, _, verb = event.rpartition(".")
    names = (data.get(key) for key in ("number", "name", "title", "id"))
    label = next((name for name in names if name), "")
    if event == "said":
        return "said:", str(data.get("text", ""))
    if verb == "moved" and "state" in data:
        return kind, str(label), f"moved to {data['state']}"
    return kind, str(label), str(data.get("action") or verb)


def _who(data: dict[str, Any]) -> str:
    by = data.get("by")
    name = by.get("name") if isinstance(by, dict) else by
    return f"by {name}" if name else ""


def _printable(text: str) -> str:
    """Names and texts are other users'; they must not command the terminal."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
