"""``crm user``: the team from the command line, also when nobody can sign in."""

from __future__ import annotations

import sys

import click

from quarterdeck.commands import AppGroup
from quarterdeck_crm.errors import NotFoundError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Role, User
from quarterdeck_crm.schema import check_schema
from quarterdeck_crm.team import services

user = AppGroup("user", help="Create people, shut them out and let them in again.")


def _read_password(ctx: click.Context, param: click.Parameter, from_stdin: bool) -> str:
    """Read the password before the event loop starts; never from an argument others can see."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


password_option = click.option(
    "--password-stdin",
    "password",
    is_flag=True,
    callback=_read_password,
    help="Read the password from the first line of standard input instead of asking.",
)


@user.command()
@click.argument("email")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role], case_sensitive=False),
    default=Role.USER.value,
    show_default=True,
)
@click.option("--name", help="Full name.  [default: the part of EMAIL before the @]")
@password_option
async def create(email: str, role: str, name: str | None, password: str) -> None:
    """Create a person who can sign in with EMAIL."""
    data = services.PersonData(email=email, name=name or email.partition("@")[0], role=Role(role))
    await check_schema()
    hashed = await services.hash_new_password(password)
    async with db.transaction() as session:
        person = await services.create_person(session, data=data, password_hash=hashed)
    click.echo(f"Created {person.email} with the role {person.role}.")


@user.command()
@click.argument("email")
async def disable(email: str) -> None:
    """Shut EMAIL out, at once and on every device."""
    async with db.transaction() as session:
        person = await find_person(email)
        await services.disable_person(session, person=person, actor=None)
    click.echo(f"Disabled {person.email}.")


@user.command()
@click.argument("email")
async def enable(email: str) -> None:
    """Let EMAIL in again."""
    async with db.transaction() as session:
        person = await find_person(email)
        await services.enable_person(session, person=person)
    click.echo(f"Enabled {person.email}.")


@user.command()
@click.argument("email")
@password_option
async def password(email: str, password: str) -> None:
    """Give EMAIL a new password and sign them out everywhere."""
    hashed = await services.hash_new_password(password)
    async with db.transaction() as session:
        person = await find_person(email)
        await services.set_password(session, person=person, password_hash=hashed)
    click.echo(f"Changed the password of {person.email}.")


@user.command("list")
async def list_() -> None:
    """List everybody, with role and state."""
    await check_schema()
    for person in await services.all_people(db.session):
        state = "active" if person.is_active else "disabled"
        click.echo(f"{person.email:40} {person.role:10} {state:9} {person.name}")


async def find_person(email: str) -> User:
    """Return the person with an address.

    Raises:
        NotFoundError: If nobody has it.
        SchemaMismatchError: If the tables are not those of this version.
    """
    await check_schema()
    person = await services.find_by_email(db.session, email)
    if person is None:
        raise NotFoundError(f"'{email}' is nobody's address. 'crm user list' shows everybody.")
    return person
