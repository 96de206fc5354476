"""``crm check``: can this installation work, and with ``--deploy``, is it safe on a network."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import click
from quart import Quart, current_app
from sqlalchemy import func, make_url, select
from sqlalchemy.exc import SQLAlchemyError

from quarterdeck.commands import async_command
from quarterdeck.exceptions import DatabaseBusyError, QuarterdeckError
from quarterdeck_crm.config import secret_key_problem
from quarterdeck_crm.demo.people import PEOPLE
from quarterdeck_crm.extensions import db, hub
from quarterdeck_crm.health import check_database
from quarterdeck_crm.models import User
from quarterdeck_crm.schema import check_schema
from quarterdeck_crm.team.services import active_admins


@click.command()
@click.option("--deploy", is_flag=True, help="Also list what would be unsafe on a network.")
@click.pass_context
@async_command
async def check(ctx: click.Context, deploy: bool) -> None:
    """Say what is wrong with this installation; exit code 1 if anything is."""
    findings = [finding async for finding in broken()]
    if deploy:
        app = current_app._get_current_object()  # type: ignore[attr-defined]  # a proxy
        findings += unsafe_settings(app)
        findings += [finding async for finding in unsafe_people()]
    for finding in findings:
        click.echo(f"- {finding}")
    if findings:
        ctx.exit(1)
    click.echo("Nothing to complain about.")


async def broken() -> AsyncIterator[str]:
    """Yield what keeps the CRM from working at all."""
    try:
        await check_schema()
        await check_database()
    except QuarterdeckError as error:
        yield str(error)
    except (SQLAlchemyError, OSError) as error:
        yield f"'DATABASE_URL' - the database does not answer: {error}. Start it, or mend the URL."
    try:
        await hub.check()
    except QuarterdeckError as error:
        yield str(error)


def unsafe_settings(app: Quart) -> Iterator[str]:
    """Yield the configuration keys that are fit for one's own machine only."""
    config = app.config
    if config["CONFIG_NAME"] != "production":
        yield f"'CRM_CONFIG' is {config['CONFIG_NAME']!r}. Set it to 'production'."
    if problem := secret_key_problem(config["SECRET_KEY"]):
        yield f"'SECRET_KEY' {problem}. Set a long random one."
    if app.debug or app.testing:
        yield "'CRM_DEBUG' or 'CRM_TESTING' is on. Take it out: it shows tracebacks to visitors."
    if not config["SESSION_COOKIE_SECURE"]:
        yield "Cookies are sent over plain http. Serve https, and take 'CRM_INSECURE_HTTP' out."
    if not config["TRUSTED_HOSTS"]:
        yield "'CRM_TRUSTED_HOSTS' is not set. List the names that the site is reached by."
    if config["REGISTRATION_OPEN"]:
        yield "'CRM_REGISTRATION_OPEN' is on: anybody may make themselves a user. Turn it off."
    if make_url(config["SQLALCHEMY_DATABASE_URI"]).get_backend_name() == "sqlite":
        yield "'DATABASE_URL' is an SQLite file: one machine only. Use MySQL for several."


async def unsafe_people() -> AsyncIterator[str]:
    """Yield who can sign in and should not, and who should and cannot."""
    try:
        if not await active_admins(db.session):
            yield "Nobody administers the CRM. Run 'crm user create EMAIL --role Admin'."
        known = [email for email, *_ in PEOPLE]
        demo = select(func.count()).where(User.email.in_(known), User.is_active)
        if count := await db.session.scalar(demo):
            yield f"{count} demonstration people have a known password. Disable or delete them."
    except (SQLAlchemyError, DatabaseBusyError):
        return  # said already by ``broken``
