"""``crm attachments``: look after the stored files."""

from __future__ import annotations

from datetime import timedelta

import click

from quarterdeck.commands import AppGroup
from quarterdeck_crm.languages.words import size_text
from quarterdeck_crm.schema import check_schema
from quarterdeck_crm.terminal.progress import progress_bar

from .pruning import prune

MAX_HOURS = 876_000  # a hundred years

attachments = AppGroup("attachments", help="Look after the stored files.")


@attachments.command("prune")
@click.option("--dry-run", is_flag=True, help="Count the files; remove none.")
@click.option(
    "--older-than",
    "hours",
    type=click.IntRange(1, MAX_HOURS),
    default=24,
    show_default=True,
    metavar="HOURS",
    help="Leave younger files, because their upload may be under way.",
)
@click.option("--force", is_flag=True, help="Go on if the database names no file at all.")
async def prune_command(dry_run: bool, hours: int, force: bool) -> None:
    """Remove stored files that no attachment and no picture of the database names."""
    await check_schema()
    async with progress_bar("Checking files") as show:
        pruned = await prune(
            older_than=timedelta(hours=hours), dry_run=dry_run, force=force, progress=show
        )
    verb = "Would remove" if dry_run else "Removed"
    click.echo(f"{verb} {_count(pruned.files)} ({size_text(pruned.size)}).")
    if pruned.young:
        click.echo(f"Left {_count(pruned.young)} without a row, younger than {hours} hours.")


def _count(files: int) -> str:
    return "1 file" if files == 1 else f"{files} files"
