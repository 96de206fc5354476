"""``crm user``: manage users from the command line, without signing in."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Any

import click

from quarterdeck.commands import AppGroup, async_command
from quarterdeck_crm.bulk.hand_over import hand_over_now
from quarterdeck_crm.bulk.owned import check_colleague
from quarterdeck_crm.deals.stages import make_first_stages
from quarterdeck_crm.errors import NotFoundError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Role, User
from quarterdeck_crm.schema import check_schema
from quarterdeck_crm.team import services
from quarterdeck_crm.team.checks import UserData, check_user, hash_new_password

commands = AppGroup("user", help="Create users, shut them out and let them in again.")


def password_option(check: Callable[..., Awaitable[None]]) -> Callable[[Any], Any]:
    """Return the option that reads a password, never from an argument that others can see.

    The password is read before the event loop of the command starts, so that Ctrl-C works.

    Args:
        check: Called with the parameters declared before this one, so that nothing is asked
            for a command that cannot succeed.
    """
    run_check = async_command(check)

    def read(ctx: click.Context, param: click.Parameter, from_stdin: bool) -> str:
        if from_stdin:
            return sys.stdin.readline().rstrip("\r\n")
        run_check(**ctx.params)
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))

    return click.option(
        "--password-stdin",
        "password",
        is_flag=True,
        callback=read,
        help="Read the password from the first line of standard input instead of asking.",
    )


async def _new_user(email: str, role: str, name: str | None) -> UserData:
    """Return the data of a user that can be created."""
    data = UserData(email=email, name=name or email.partition("@")[0], role=Role(role))
    await check_schema()
    await check_user(db.session, data=data)
    return data


async def _check_new_user(**values: Any) -> None:
    await _new_user(**values)


async def _check_user(email: str) -> None:
    await find_user(email)


@commands.command()
@click.argument("email")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role], case_sensitive=False),
    default=Role.USER.value,
    show_default=True,
)
@click.option("--name", help="Full name.  [default: the part of EMAIL before the @]")
@password_option(_check_new_user)
async def create(email: str, role: str, name: str | None, password: str) -> None:
    """Create a user that signs in with EMAIL.

    The first administrator also gets the usual stages of deals.
    """
    data = await _new_user(email, role, name)
    hashed = await hash_new_password(password, email=data.email, name=data.name)
    async with db.transaction() as session:
        user = await services.create_user(session, data=data, password_hash=hashed)
        await make_first_stages(session, user=user)
    click.echo(f"Created {user.email} with the role {user.role}.")


@commands.command()
@click.argument("email")
@click.option("--hand-over-to", "to", metavar="EMAIL", help="Who gets the open records.")
async def disable(email: str, to: str | None) -> None:
    """Shut EMAIL out, at once and on every device."""
    async with db.transaction() as session:
        user = await find_user(email)
        colleague = None
        if to is not None:
            found = await find_user(to)
            colleague = await check_colleague(session, user=user, to_id=found.id)
        await services.disable_user(session, user=user, actor=None)
    click.echo(f"Disabled {user.email}.")
    if colleague is not None:
        done, refused = await hand_over_now(user=user, to=colleague)
        click.echo(f"Gave {done} open records to {colleague.email}.")
        for reason in refused:
            click.echo(reason, err=True)


@commands.command()
@click.argument("email")
async def enable(email: str) -> None:
    """Let EMAIL in again."""
    async with db.transaction() as session:
        user = await find_user(email)
        await services.enable_user(session, user=user)
    click.echo(f"Enabled {user.email}.")


@commands.command()
@click.argument("email")
@password_option(_check_user)
async def password(email: str, password: str) -> None:
    """Give EMAIL a new password and sign them out everywhere."""
    user = await find_user(email)
    hashed = await hash_new_password(password, email=user.email, name=user.name)
    async with db.transaction() as session:
        await services.set_password(session, user=user, password_hash=hashed)
    click.echo(f"Changed the password of {user.email}.")


@commands.command("list")
async def list_() -> None:
    """List everybody, with role and state."""
    await check_schema()
    for user in await services.all_users(db.session):
        state = "active" if user.is_active else "disabled"
        click.echo(f"{user.email:40} {user.role:10} {state:9} {user.name}")


async def find_user(email: str) -> User:
    """Return the user with an address.

    Raises:
        NotFoundError: If no user has it.
        SchemaMismatchError: If the tables are not those of this version.
    """
    await check_schema()
    user = await services.find_by_email(db.session, email)
    if user is None:
        raise NotFoundError(f"'{email}' is nobody's address. 'crm user list' shows everybody.")
    return user
