"""The ``db`` commands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Sequence
from typing import Any

import click

from quarterdeck._cli import AppGroup

from . import operations
from .revisions import Applied, Revision

commands = AppGroup("db", help="Change the schema of the database step by step.")


def _verb(*decorators: Callable[[Any], Any]) -> Callable[[Callable[..., Any]], click.Command]:
    """Register an async function as a command with the options that all verbs have."""

    def register(function: Callable[..., Any]) -> click.Command:
        name = function.__name__.removesuffix("_command")
        shared = (
            click.option("-d", "--directory", help="The folder of the migrations."),
            click.option("--bind", help="A key of SQLALCHEMY_BINDS instead of the main database."),
        )
        for decorator in reversed((*decorators, *shared)):
            function = decorator(function)
        # '-1' is a revision and no option.
        settings = {"ignore_unknown_options": True}
        made: click.Command = commands.command(name, context_settings=settings)(function)
        return made

    return register


_message = click.option("-m", "--message", default="changes", help="What changes.")
_sql = click.option("--sql", is_flag=True, help="Print the SQL instead of running it.")
_tag = click.option("--tag", help="A word for 'env.py'.")
_x_arg = click.option(
    "-x", "--x-arg", multiple=True, help="An argument for 'env.py' and the scripts, as NAME=VALUE."
)
_verbose = click.option("-v", "--verbose", is_flag=True, help="Show files and parents too.")
_script = (
    click.option("--head", default="head", help="The revision that the script comes after."),
    click.option("--splice", is_flag=True, help="Allow a revision that is no head."),
    click.option("--branch-label", help="A name for the branch."),
    click.option("--rev-id", help="An id instead of a random one."),
)


def _revision(default: str) -> Callable[[Any], Any]:
    return click.argument("revision", default=default)


@commands.command("init")
@click.option("-d", "--directory", help="The folder to make.")
@click.option("-t", "--template", help="A folder with an 'env.py' of your own.")
@click.option("--package", is_flag=True, help="Make it a Python package.")
@click.option("--multidb", is_flag=True, help="Nothing changes: each bind has its own scripts.")
async def init_command(
    directory: str | None, template: str | None, package: bool, multidb: bool
) -> None:
    """Make the folder of the migrations."""
    folder = await operations.init(directory, template, package=package)
    click.echo(f"Made '{folder}'. Next: 'db migrate -m \"first tables\"'.")


@commands.command("list-templates")
def list_templates_command() -> None:
    """Show the templates of 'init'."""
    click.echo("There is one template, and it serves one database and several. 'db init -t FOLDER'")
    click.echo("takes another one.")


@_verb(_message, _x_arg, *_script)
async def migrate_command(message: str, **where: Any) -> None:
    """Write a script for the changes of the models."""
    _say_written(await operations.migrate(message=message, **where))


@_verb(
    _message,
    click.option("--autogenerate", is_flag=True, help="The same as 'migrate'."),
    *_script,
)
async def revision_command(message: str, autogenerate: bool, **where: Any) -> None:
    """Write an empty script, to be filled in by hand."""
    write = operations.migrate if autogenerate else operations.revision
    _say_written(await write(message=message, **where))


@_verb(click.argument("revisions", nargs=-1), _message, *_script[2:])
async def merge_command(revisions: tuple[str, ...], message: str, **where: Any) -> None:
    """Write a script that joins REVISIONS, or all heads."""
    _say_written(await operations.merge(revisions=revisions or "heads", message=message, **where))


@_verb(_revision("head"), _sql, _tag, _x_arg)
async def upgrade_command(revision: str, sql: bool, **where: Any) -> None:
    """Bring the database up to REVISION, by default the newest."""
    if sql:
        click.echo(await operations.render_sql(revision=revision, **where), nl=False)
    elif not await operations.upgrade(revision=revision, progress=_say_applied, **where):
        click.echo("Nothing to do: the database is up to date.")


@_verb(_revision("-1"), _sql, _tag, _x_arg)
async def downgrade_command(revision: str, sql: bool, **where: Any) -> None:
    """Take the database down to REVISION, by default by one step."""
    if sql:
        text = await operations.render_sql(revision=revision, downwards=True, **where)
        click.echo(text, nl=False)
    elif not await operations.downgrade(revision=revision, progress=_say_applied, **where):
        click.echo("Nothing to do.")


@_verb(
    _revision("head"),
    click.option("--purge", is_flag=True, help="Delete the recorded revision first."),
    _tag,
)
async def stamp_command(revision: str, purge: bool, **where: Any) -> None:
    """Note that the database stands at REVISION, without running a script."""
    await operations.stamp(revision=revision, purge=purge, **where)
    click.echo(f"The database is noted as being at '{revision}'.")


@_verb()
async def check_command(**where: Any) -> None:
    """Fail unless database, migrations and models agree."""
    await operations.check(**where)
    click.echo("No changes found: database, migrations and models agree.")


@_verb(_verbose)
async def current_command(verbose: bool, **where: Any) -> None:
    """Show where the database stands."""
    found = await operations.current(**where)
    _list(found, none="The database has no revision.", verbose=verbose)


@_verb(
    _verbose,
    click.option(
        "--resolve-dependencies", is_flag=True, help="Leave out those that another depends on."
    ),
)
async def heads_command(verbose: bool, **where: Any) -> None:
    """Show the scripts that no other comes after."""
    _list(await operations.heads(**where), none="There are no migrations.", verbose=verbose)


@_verb(_verbose)
async def branches_command(verbose: bool, **where: Any) -> None:
    """Show the scripts that more than one comes after."""
    _list(await operations.branches(**where), none="There are no branches.", verbose=verbose)


@_verb(
    click.option(
        "-r", "--rev-range", "--range", "revisions", default="base:heads", help="As 'FROM:TO'."
    ),
    click.option("-i", "--indicate-current", is_flag=True, help="Mark where the database stands."),
    _verbose,
)
async def history_command(
    revisions: str, indicate_current: bool, verbose: bool, **where: Any
) -> None:
    """Show the scripts, newest first."""
    current = await operations.current(**where) if indicate_current else []
    listed = await operations.history(revisions=revisions, **where)
    ids = {one.id for one in current}
    _list(listed, none="There are no migrations.", current=ids, verbose=verbose)


@_verb(_revision("head"))
async def show_command(revision: str, **where: Any) -> None:
    """Show one script."""
    found = await operations.show(revision=revision, **where)
    _list([found])
    text = await asyncio.to_thread(found.path.read_text, "utf-8")
    click.echo(f"\n{found.path}\n\n{text}", nl=False)


@_verb(_revision("head"))
async def edit_command(revision: str, **where: Any) -> None:
    """Open a script in the editor that $EDITOR names."""
    found = await operations.show(revision=revision, **where)
    await asyncio.to_thread(click.edit, filename=str(found.path))


def _say_written(revision: Revision | None) -> None:
    if revision is None:
        click.echo("No changes found.")
    else:
        click.echo(f"Wrote '{revision.path}'. Read it before 'db upgrade' runs it.")


def _say_applied(applied: Applied) -> None:
    verb = "Upgraded to" if applied.upwards else "Downgraded from"
    click.echo(f"{verb} {_line(applied.revision)} ({applied.seconds:.2f} s)")


def _list(
    revisions: Sequence[Revision],
    none: str = "",
    current: Container[str] = (),
    *,
    verbose: bool = False,
) -> None:
    for revision in revisions:
        marks = " (head)" * revision.is_head + " (current)" * (revision.id in current)
        click.echo(_line(revision) + marks)
        if verbose:
            click.echo(f"    file: {revision.path}")
            click.echo(f"    after: {', '.join(revision.after) or 'nothing'}")
    if not revisions:
        click.echo(none)


def _line(revision: Revision) -> str:
    return f"{revision.id}  {revision.path.stem}  {revision.message}"
