"""`crm demo`."""

from __future__ import annotations

import click
from quart import current_app
from sqlalchemy import select

from quarterdeck.commands import async_command
from quarterdeck.login import hash_password
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Account, Good, Order, User
from quarterdeck_crm.schema import make_schema
from quarterdeck_crm.terminal.progress import progress_bar

from .users import ADMIN_EMAIL, USERS

PASSWORD = "quarterdeck-demo"  # noqa: S105 - printed for everybody to try


@click.command("demo")
@click.option("--orders", default=4000, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--if-empty", is_flag=True, help="Do nothing if the database holds anything.")
@async_command
async def demo_command(orders: int, if_empty: bool) -> None:
    """Fill an empty database with demonstration data, in many languages and scripts.

    The same data every time, dated back from today. Prints the demonstration sign-in.
    """
    if current_app.config["CONFIG_NAME"] == "production":
        raise click.ClickException(
            "'crm demo' makes users with a known password, so it does not run in production. "
            "Set CRM_CONFIG=development to try it."
        )
    await make_schema()
    if await _holds_anything():
        if if_empty:
            await _say_sign_in()
            return
        raise click.ClickException(
            "The database is not empty. Name an empty one with DATABASE_URL, "
            "or remove the file in instance/ first."
        )
    from .generate import Demo, noon  # they take long to import

    password_hash = await hash_password(PASSWORD)
    async with progress_bar("Writing orders") as show, db.transaction() as session:
        await Demo(orders=orders, today=noon()).write(
            session, password_hash=password_hash, progress=show
        )
    click.echo(f"Wrote demonstration data: {orders} orders.")
    await _say_sign_in()


async def _holds_anything() -> bool:
    async with db.new_session() as session:
        for model in (User, Account, Good, Order):
            if await session.scalar(select(model.id).limit(1)):
                return True
    return False


async def _say_sign_in() -> None:
    """Print the sign-in only where the demonstration users are."""
    async with db.new_session() as session:
        if await session.scalar(select(User.id).where(User.email == ADMIN_EMAIL)):
            others = ", ".join(email for email, *_ in USERS[1:3])
            click.echo(f"Sign in as {ADMIN_EMAIL} (or {others}), password {PASSWORD}")
