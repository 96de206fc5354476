"""`crm import` and `crm export`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from quart import current_app
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.commands import AppGroup
from quarterdeck_crm.extensions import db

from .accounts import import_accounts
from .exporting import export_accounts, export_goods, export_lines, export_orders
from .goods import import_goods
from .importing import Import, ImportRefusedError, Report
from .orders import import_orders

FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
NEW_FILE = click.Path(dir_okay=False, writable=True, path_type=Path)
dry_run = click.option("--dry-run", is_flag=True, help="Check the file; write nothing.")
force = click.option("--force", is_flag=True, help="Overwrite a file that exists.")

import_group = AppGroup("import", help="Import CSV files: all or nothing, safe to run twice.")
export_group = AppGroup("export", help="Export CSV files that can be imported again.")


@import_group.command("accounts")
@click.argument("file", type=FILE)
@dry_run
async def accounts_command(file: Path, dry_run: bool) -> None:
    """Import accounts and their contacts from FILE."""
    await _import("accounts", lambda task: import_accounts(task, file), dry_run=dry_run)


@import_group.command("goods")
@click.argument("file", type=FILE)
@dry_run
async def goods_command(file: Path, dry_run: bool) -> None:
    """Import the catalogue from FILE."""
    await _import("goods", lambda task: import_goods(task, file), dry_run=dry_run)


@import_group.command("orders")
@click.argument("file", type=FILE)
@click.option("--lines", type=FILE, required=True, help="The file of the order lines.")
@dry_run
async def orders_command(file: Path, lines: Path, dry_run: bool) -> None:
    """Import orders from FILE and their lines from another file."""
    await _import("orders", lambda task: import_orders(task, file, lines), dry_run=dry_run)


@export_group.command("accounts")
@click.argument("file", type=NEW_FILE)
@force
async def export_accounts_command(file: Path, force: bool) -> None:
    """Write all accounts with their contacts to FILE."""
    await _export(file, export_accounts, force=force)


@export_group.command("goods")
@click.argument("file", type=NEW_FILE)
@force
async def export_goods_command(file: Path, force: bool) -> None:
    """Write the catalogue to FILE."""
    await _export(file, export_goods, force=force)


@export_group.command("orders")
@click.argument("file", type=NEW_FILE)
@click.option("--lines", type=NEW_FILE, required=True, help="Where the order lines go.")
@force
async def export_orders_command(file: Path, lines: Path, force: bool) -> None:
    """Write all orders to FILE and their lines to another file."""
    await _export(file, export_orders, force=force)
    await _export(lines, export_lines, force=force)


class _DryRun(Exception):
    """Carries the report out of a transaction that must not stay."""

    def __init__(self, report: Report) -> None:
        self.report = report


async def _import(what: str, run: Callable[[Import], Awaitable[Report]], *, dry_run: bool) -> None:
    try:
        with _progress_bar(f"Reading {what}") as progress:
            async with db.transaction() as session:
                currency = current_app.config["CURRENCY"]
                report = await run(Import(session, currency=currency, progress=progress))
                if dry_run:
                    raise _DryRun(report)
    except _DryRun as done:
        _say(what, done.report, "Would have imported")
    except ImportRefusedError as refused:
        _refuse(refused)
    else:
        _say(what, report, "Imported")


def _say(what: str, report: Report, verb: str) -> None:
    lines = f", {report.lines} lines" if what == "orders" else ""
    click.echo(
        f"{verb} {what}: {report.created} new{lines}, "
        f"{report.updated} changed, {report.unchanged} unchanged."
    )
    if report.unknown_columns:
        click.echo(f"Not imported: the columns {', '.join(report.unknown_columns)}.", err=True)


def _refuse(refused: ImportRefusedError) -> None:
    for problem in refused.problems.shown:
        click.echo(problem, err=True)
    hidden = refused.problems.count - len(refused.problems.shown)
    if hidden:
        click.echo(f"and {hidden} more", err=True)
    raise click.ClickException(f"{refused}: nothing was imported. Mend the file and run it again.")


async def _export(
    file: Path, rows: Callable[[AsyncSession], AsyncIterator[str]], *, force: bool
) -> None:
    if await asyncio.to_thread(file.exists) and not force:
        raise click.ClickException(f"'{file}' exists. Name another file, or add --force.")
    unfinished = file.with_name(file.name + ".part")
    with await asyncio.to_thread(unfinished.open, "w", encoding="utf-8", newline="") as out:
        async with db.new_session() as session:
            async for chunk in rows(session):
                await asyncio.to_thread(out.write, chunk)
    await asyncio.to_thread(unfinished.replace, file)
    click.echo(f"Wrote {file}.")


@contextmanager
def _progress_bar(text: str) -> Iterator[Callable[[int, int], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    console = Console(stderr=True)
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task(text, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
