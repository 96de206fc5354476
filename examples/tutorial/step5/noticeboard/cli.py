"""The commands."""

import click

from noticeboard.extensions import db
from noticeboard.models import User
from quarterdeck.commands import AppGroup
from quarterdeck.login import hash_password

user = AppGroup("user", help="Work on the users.")


@user.command()
@click.argument("name")
@click.argument("email")
@click.password_option()
async def create(name: str, email: str, password: str) -> None:
    """Add the user NAME with the mail address EMAIL."""
    async with db.transaction() as session:
        password_hash = await hash_password(password)
        session.add(User(name=name, email=email.lower(), password_hash=password_hash))
    click.echo(f"{name} can sign in as {email.lower()}.")
