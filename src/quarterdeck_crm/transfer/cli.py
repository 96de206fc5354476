"""`crm import` and `crm export`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from quarterdeck.commands import AppGroup
from quarterdeck.sqlalchemy import no_time_limit
from quarterdeck_crm.audit.recording import record_audit
from quarterdeck_crm.errors import ImportRefusedError, NotFoundError, ValidationError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.lists.selection import Selection, select_records
from quarterdeck_crm.models import AuditAction
from quarterdeck_crm.schema import check_schema
from quarterdeck_crm.team.services import find_by_email
from quarterdeck_crm.terminal.progress import progress_bar

from .importing import Source
from .kinds import KINDS, Kind, Part, run_import

FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
NEW_FILE = click.Path(dir_okay=False, writable=True, path_type=Path)
dry_run = click.option("--dry-run", is_flag=True, help="Check the file; write nothing.")
force = click.option("--force", is_flag=True, help="Overwrite a file that exists.")

_CHOICES: tuple[Callable[[Any], Any], ...] = (
    click.option("--search", metavar="WORDS", help="Only records that are found by these words."),
    click.option(
        "--filter",
        "filters",
        multiple=True,
        metavar="NAME=VALUE",
        help="Only records that a filter of the list shows. Can be repeated.",
    ),
    click.option("--sort", metavar="KEY", help="In this order of the list; -KEY turns it round."),
    click.option("--view", metavar="ID", help="As a saved view shows them. Needs --as."),
    click.option(
        "--as",
        "email",
        metavar="EMAIL",
        help="The user whose list it is, for 'me', days of a time zone and views.",
    ),
)


def choosing(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose the records of a list, with names as in its address."""
    for option in reversed(_CHOICES):
        command = option(command)
    return command


import_group = AppGroup(
    "import", help="Import CSV files: checked before anything is written, safe to run again."
)
export_group = AppGroup("export", help="Export CSV files that can be imported again.")


@import_group.command("accounts")
@click.argument("file", type=FILE)
@dry_run
async def accounts_command(file: Path, dry_run: bool) -> None:
    """Import accounts and their contacts from FILE."""
    await _import("accounts", file, dry_run=dry_run)


@import_group.command("people")
@click.argument("file", type=FILE)
@dry_run
async def people_command(file: Path, dry_run: bool) -> None:
    """Import people with their phone numbers, addresses and accounts from FILE."""
    await _import("people", file, dry_run=dry_run)


@import_group.command("goods")
@click.argument("file", type=FILE)
@dry_run
async def goods_command(file: Path, dry_run: bool) -> None:
    """Import the goods from FILE."""
    await _import("goods", file, dry_run=dry_run)


@import_group.command("orders")
@click.argument("file", type=FILE)
@click.option("--lines", type=FILE, required=True, help="The file of the order lines.")
@dry_run
async def orders_command(file: Path, lines: Path, dry_run: bool) -> None:
    """Import orders from FILE and their lines from another file."""
    await _import("orders", file, lines, dry_run=dry_run)


@import_group.command("tasks")
@click.argument("file", type=FILE)
@dry_run
async def tasks_command(file: Path, dry_run: bool) -> None:
    """Import tasks from FILE."""
    await _import("tasks", file, dry_run=dry_run)


@import_group.command("deals")
@click.argument("file", type=FILE)
@dry_run
async def deals_command(file: Path, dry_run: bool) -> None:
    """Import deals with their lines from FILE."""
    await _import("deals", file, dry_run=dry_run)


@import_group.command("notes")
@click.argument("file", type=FILE)
@dry_run
async def notes_command(file: Path, dry_run: bool) -> None:
    """Import notes on records from FILE."""
    await _import("notes", file, dry_run=dry_run)


@export_group.command("accounts")
@click.argument("file", type=NEW_FILE)
@force
@choosing
async def export_accounts_command(file: Path, force: bool, **chosen: Any) -> None:
    """Write all accounts with their contacts, or those of a list, to FILE."""
    await _export("accounts", file, force=force, **chosen)


@export_group.command("people")
@click.argument("file", type=NEW_FILE)
@force
@choosing
async def export_people_command(file: Path, force: bool, **chosen: Any) -> None:
    """Write all people, or those of a list, to FILE."""
    await _export("people", file, force=force, **chosen)


@export_group.command("goods")
@click.argument("file", type=NEW_FILE)
@force
@choosing
async def export_goods_command(file: Path, force: bool, **chosen: Any) -> None:
    """Write all goods, or those of a list, to FILE."""
    await _export("goods", file, force=force, **chosen)


@export_group.command("orders")
@click.argument("file", type=NEW_FILE)
@click.option("--lines", type=NEW_FILE, required=True, help="Where the order lines go.")
@force
@choosing
async def export_orders_command(file: Path, lines: Path, force: bool, **chosen: Any) -> None:
    """Write all orders, or those of a list, to FILE and their lines to another file."""
    await _export("orders", file, lines, force=force, **chosen)


@export_group.command("tasks")
@click.argument("file", type=NEW_FILE)
@force
@choosing
async def export_tasks_command(file: Path, force: bool, **chosen: Any) -> None:
    """Write all tasks, or those of a list, to FILE."""
    await _export("tasks", file, force=force, **chosen)


@export_group.command("deals")
@click.argument("file", type=NEW_FILE)
@force
@choosing
async def export_deals_command(file: Path, force: bool, **chosen: Any) -> None:
    """Write all deals with their lines, or those of a list, to FILE."""
    await _export("deals", file, force=force, **chosen)


@export_group.command("notes")
@click.argument("file", type=NEW_FILE)
@force
async def export_notes_command(file: Path, force: bool) -> None:
    """Write all notes to FILE."""
    await _export("notes", file, force=force)


async def _import(kind: str, *paths: Path, dry_run: bool) -> None:
    await check_schema()
    files = [Source(path, path.name) for path in paths]
    try:
        # No page waits for this, so a busy server may take its time.
        with no_time_limit():
            async with progress_bar(f"{'Checking' if dry_run else 'Importing'} {kind}") as show:
                report = await run_import(KINDS[kind], files, dry_run=dry_run, progress=show)
    except ImportRefusedError as refused:
        _refuse(refused)
    if not dry_run:
        await _record(AuditAction.IMPORTED, kind)
    click.echo(report.summary(kind, dry_run=dry_run))
    for note in filter(None, (report.followed, report.ignored)):
        click.echo(note, err=True)


def _refuse(refused: ImportRefusedError) -> NoReturn:
    for mistake in refused.mistakes.shown:
        click.echo(mistake, err=True)
    if refused.mistakes.unlisted:
        click.echo(refused.mistakes.unlisted, err=True)
    raise click.ClickException(str(refused.mistakes))


async def _export(kind: str, *paths: Path, force: bool, **options: Any) -> None:
    await check_schema()
    chosen = await _choose(KINDS[kind], **options)
    for part, file in zip(KINDS[kind].parts, paths, strict=True):
        await _write(file, part, chosen, force=force)
    await _record(AuditAction.EXPORTED, kind, {"list": chosen.arguments} if chosen else None)


async def _choose(
    kind: Kind,
    *,
    search: str | None = None,
    filters: Sequence[str] = (),
    sort: str | None = None,
    view: str | None = None,
    email: str | None = None,
) -> Selection | None:
    """Return the records of the list that the options describe; None without any."""
    args = {"q": search, "sort": sort, "view": view}
    for text in filters:
        name, equals, value = text.partition("=")
        if not equals or name in args:
            raise click.ClickException(f"--filter '{text}' is not NAME=VALUE. Example: owner=none.")
        args[name] = value
    given = {name: value for name, value in args.items() if value is not None}
    records = kind.parts[0].records
    if not given or records is None:
        return None
    actor = None
    if email is not None and (actor := await find_by_email(db.session, email)) is None:
        raise click.ClickException(f"There is no user '{email}'. 'crm user list' shows all users.")
    try:
        return await select_records(db.session, records, given, actor=actor)
    except ValidationError as error:
        problems = [f"{name}: {' '.join(texts)}" for name, texts in error.errors.items()]
        raise click.ClickException("\n".join(problems)) from None
    except NotFoundError as error:
        raise click.ClickException(str(error)) from None


async def _record(action: AuditAction, kind: str, detail: Mapping[str, str] | None = None) -> None:
    async with db.transaction() as session:
        await record_audit(session, action, subject=kind, detail=detail)


async def _write(file: Path, part: Part, chosen: Selection | None, *, force: bool) -> None:
    if await asyncio.to_thread(file.exists) and not force:
        raise click.ClickException(f"'{file}' exists. Name another file, or add --force.")
    unfinished = file.with_name(file.name + ".part")
    bar = progress_bar(f"Exporting {part.label.lower()}")
    out = await asyncio.to_thread(unfinished.open, "w", encoding="utf-8", newline="")
    try:
        async with db.new_session() as session, bar as progress:
            with no_time_limit():
                async for chunk in part.export(session, progress, chosen):
                    await asyncio.to_thread(out.write, chunk)
    finally:
        await asyncio.to_thread(out.close)
    await asyncio.to_thread(unfinished.replace, file)
    click.echo(f"Wrote {file}.")
