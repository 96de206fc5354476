"""``crm sums``: compare the sums of the dashboard with the orders, or make them again."""

from __future__ import annotations

import click

from quarterdeck.commands import AppGroup
from quarterdeck_crm.schema import check_schema

from .sum_checks import compare_sums, rebuild_sums

MAX_SHOWN = 20

sums = AppGroup("sums", help="Compare the sums of the dashboard with the orders, or rebuild them.")


@sums.command()
async def check() -> None:
    """Compare all sums with the orders; fail if one differs."""
    await check_schema()
    differences = await compare_sums()
    for difference in differences[:MAX_SHOWN]:
        click.echo(str(difference))
    if differences:
        raise click.ClickException(
            f"{len(differences)} sums differ from the orders. Run 'crm sums rebuild'."
        )
    click.echo("The sums are those of the orders.")


@sums.command()
async def rebuild() -> None:
    """Make all sums from the orders. Changes of orders wait until it ends."""
    await check_schema()
    click.echo(f"Made {await rebuild_sums()} sums from the orders.")
