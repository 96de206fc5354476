"""``crm token``: tokens of programs from the command line."""

from __future__ import annotations

import click

from quarterdeck.commands import AppGroup
from quarterdeck_crm.errors import NotFoundError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Scope, User
from quarterdeck_crm.team.services import find_by_email
from quarterdeck_crm.tokens import services

token = AppGroup("token", help="Make and revoke the tokens with which programs use the JSON API.")


@token.command()
@click.argument("email")
@click.option("--name", required=True, help="What the token is for.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What it may be used for; may be given twice.  [default: read and write]",
)
@click.option("--days", type=int, help="How long it works.  [default: until it is revoked]")
async def create(email: str, name: str, scopes: tuple[str, ...], days: int | None) -> None:
    """Make a token that acts as EMAIL, and print it; it cannot be printed again."""
    user = await _find(email)
    async with db.transaction() as session:
        _, secret = await services.create_token(
            session,
            user=user,
            name=name,
            scopes=[Scope(scope) for scope in scopes] or tuple(Scope),
            days=days,
        )
    click.echo(secret)


@token.command("list")
@click.argument("email", required=False)
async def list_(email: str | None) -> None:
    """List the tokens of EMAIL, or of everybody."""
    user = await _find(email) if email else None
    for each in await services.list_tokens(db.session, user=user):
        used = f"{each.last_used_at:%Y-%m-%d %H:%M}" if each.last_used_at else "never used"
        ends = f"until {each.expires_at:%Y-%m-%d}" if each.expires_at else "until revoked"
        if services.is_expired(each):
            ends = "expired"
        click.echo(
            f"{each.id:5} {each.user.email:30} {each.hint}... {each.scopes:10} "
            f"{used:16} {ends:16} {each.name}"
        )


@token.command()
@click.argument("token_id", type=int)
async def revoke(token_id: int) -> None:
    """End a token at once; TOKEN_ID is the number that 'crm token list' shows."""
    async with db.transaction() as session:
        revoked = await services.revoke_token(session, token_id=token_id)
    click.echo(f"Revoked '{revoked.name}'.")


async def _find(email: str) -> User:
    user = await find_by_email(db.session, email)
    if user is None:
        raise NotFoundError(f"'{email}' is nobody's address. 'crm user list' shows everybody.")
    return user
