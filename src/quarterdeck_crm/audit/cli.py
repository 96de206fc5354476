"""``crm audit``: read the audit log, and remove what is old."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import click
from quart import current_app

from quarterdeck.commands import AppGroup
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import AuditAction, AuditEvent
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.schema import check_schema

from .services import find_events, prune_events
from .wording import LABELS, detail_text, subject_text

MAX_DAYS = 36_500


@click.group(
    "audit",
    cls=AppGroup,
    invoke_without_command=True,
    help="Read the audit log, and remove what is old. Without a subcommand: list.",
)
@click.pass_context
def audit(ctx: click.Context) -> None:
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_)


@audit.command("list")
@click.option("--action", type=click.Choice([action.value for action in AuditAction]))
@click.option("--user", "q", default="", help="Part of an e-mail address, a subject or an address.")
@click.option("--days", type=click.IntRange(1, MAX_DAYS), help="Only the last days.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
async def list_(action: str | None, q: str, days: int | None, limit: int, as_json: bool) -> None:
    """List the newest events, the newest first."""
    await check_schema()
    events = await find_events(
        db.session,
        action=AuditAction(action) if action else None,
        q=q,
        since=utc_now() - timedelta(days=days) if days else None,
        limit=limit,
    )
    for event in events:
        click.echo(json.dumps(_as_dict(event)) if as_json else _as_line(event))


@audit.command()
@click.option(
    "--days", type=click.IntRange(1, MAX_DAYS), help="Keep the last days.  [default: AUDIT_DAYS]"
)
async def prune(days: int | None) -> None:
    """Delete events that are older than AUDIT_DAYS."""
    await check_schema()
    kept = days or current_app.config["AUDIT_DAYS"]
    if not kept:
        raise click.ClickException(
            "AUDIT_DAYS is 0, so that all events are kept. Give the number of days with --days."
        )
    deleted = await prune_events(older_than=timedelta(days=kept))
    click.echo(f"Deleted {deleted} events older than {kept} days.")


def _as_dict(event: AuditEvent) -> dict[str, object]:
    values = {column.key: getattr(event, column.key) for column in AuditEvent.__table__.columns}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
    }


def _as_line(event: AuditEvent) -> str:
    about = subject_text(event) if event.subject != event.actor else None
    words = [event.actor or "-", about, event.address, detail_text(event)]
    shown = "  ".join(word for word in words if word)
    return f"{event.at:%Y-%m-%d %H:%M:%S}  {LABELS[event.action]:22}  {shown}"
