"""The verbs of ``db`` as functions to be awaited, for the current app.

All raise ``MigrationError`` or one of its kinds; none prints or exits. ``directory`` and
``bind`` are those of :class:`~.workspace.Workspace`.
"""

from __future__ import annotations

import asyncio
import io
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import Script

from quarterdeck.exceptions import MigrationsFolderError

from .extension import state
from .rendering import file_name, tidy
from .revisions import Applied, Progress, Revision
from .workspace import Workspace

Folder = str | Path | None
TEMPLATES = Path(__file__).parent / "templates"


async def init(directory: Folder = None) -> Path:
    """Make the folder of the migrations and return it.

    Raises:
        MigrationsFolderError: If it holds migrations already.
    """
    folder = Path(directory) if directory is not None else state.get().directory

    def make() -> None:
        if (folder / "env.py").exists():
            raise MigrationsFolderError(
                str(folder), "holds migrations already", "Go on with 'db migrate'."
            )
        (folder / "versions").mkdir(parents=True, exist_ok=True)
        for template in TEMPLATES.iterdir():
            if template.is_file():
                shutil.copy(template, folder)

    await asyncio.to_thread(make)
    return folder


async def migrate(
    directory: Folder = None, message: str = "changes", *, bind: str | None = None, **options: Any
) -> Revision | None:
    """Write the script that makes the database equal to the models; None if it is already.

    Args:
        directory: The folder of the migrations.
        message: What changes, in a few words.
        bind: The bind key of the database.
        options: As in ``alembic.command.revision``: ``head``, ``splice``, ``branch_label``, ...

    Raises:
        MigrationsPendingError: If the database is behind the migrations.
    """

    workspace = Workspace(directory, bind)
    await workspace.create_database()
    await workspace.refuse_pending()
    options |= {"autogenerate": True, "process_revision_directives": tidy}
    made = await _write(workspace, message, partial(command.revision, message=message, **options))
    return made[0] if made else None


async def revision(
    directory: Folder = None, message: str = "changes", *, bind: str | None = None, **options: Any
) -> Revision:
    """Write an empty script, to be filled in by hand."""
    make = partial(command.revision, message=message, **options)
    [made] = await _write(Workspace(directory, bind), message, make)
    return made


async def merge(
    directory: Folder = None,
    revisions: str | tuple[str, ...] = "heads",
    message: str = "merge",
    *,
    bind: str | None = None,
) -> Revision:
    """Write the script that joins several heads."""
    make = partial(command.merge, revisions=revisions, message=message)
    [made] = await _write(Workspace(directory, bind), message, make)
    return made


async def _write(
    workspace: Workspace,
    message: str,
    make: Callable[[Config], Script | list[Script | None] | None],
) -> list[Revision]:
    def work(config: Config) -> list[Revision]:
        config.set_main_option("file_template", file_name(workspace.versions, message))
        made = make(config)
        scripts = made if isinstance(made, list) else [made]
        return [Revision.of(script) for script in scripts if script is not None]

    return await workspace.call(work)


async def upgrade(
    directory: Folder = None,
    revision: str = "head",
    *,
    bind: str | None = None,
    progress: Progress | None = None,
) -> list[Applied]:
    """Bring the database up to ``revision``, making it first if it is missing.

    Any number of processes may do so at once: one works, the others wait and find nothing to
    do. Each script is a transaction where the database can undo changes of the schema.

    Args:
        directory: The folder of the migrations.
        revision: An id or the beginning of one, ``"head"``, ``"heads"``, or ``"+1"``.
        bind: The bind key of the database.
        progress: Called after each script.

    Returns:
        The scripts that were run, in their order.
    """
    return await _apply(command.upgrade, Workspace(directory, bind), revision, progress)


async def downgrade(
    directory: Folder = None,
    revision: str = "-1",
    *,
    bind: str | None = None,
    progress: Progress | None = None,
) -> list[Applied]:
    """Take the database down to ``revision``: an id, ``"-1"``, or ``"base"`` for nothing."""
    return await _apply(command.downgrade, Workspace(directory, bind), revision, progress)


async def _apply(
    verb: Any, workspace: Workspace, revision: str, progress: Progress | None
) -> list[Applied]:
    applied: list[Applied] = []

    def note(one: Applied) -> None:
        applied.append(one)
        if progress is not None:
            progress(one)

    await workspace.call(lambda config: verb(config, revision), lock=True, progress=note)
    return applied


async def render_sql(
    directory: Folder = None,
    revision: str = "head",
    *,
    downwards: bool = False,
    bind: str | None = None,
) -> str:
    """Return the SQL of an upgrade, without a database; ``"a:b"`` names where it starts."""
    verb = command.downgrade if downwards else command.upgrade

    def work(config: Config) -> str:
        config.output_buffer = text = io.StringIO()
        verb(config, revision, sql=True)
        return text.getvalue()

    return await Workspace(directory, bind).call(work)


async def stamp(
    directory: Folder = None,
    revision: str = "head",
    *,
    purge: bool = False,
    bind: str | None = None,
) -> None:
    """Note in the database that it stands at ``revision``, without running a script.

    Args:
        directory: The folder of the migrations.
        revision: An id, ``"head"`` or ``"base"``.
        purge: Forget first what is noted, also if it is an unknown revision.
        bind: The bind key of the database.
    """
    await Workspace(directory, bind).call(
        lambda config: command.stamp(config, revision, purge=purge), lock=True
    )


async def check(directory: Folder = None, *, bind: str | None = None) -> None:
    """Return if the database is up to date and the models are as the migrations make them.

    Raises:
        MigrationsPendingError: If there are scripts that were not run.
        SchemaDriftError: If the models differ from the database.
    """
    workspace = Workspace(directory, bind)
    await workspace.refuse_pending()
    await workspace.call(command.check)


async def current(directory: Folder = None, *, bind: str | None = None) -> list[Revision]:
    """Return where the database stands: one revision, none, or one per branch."""
    workspace = Workspace(directory, bind)
    ids = await workspace.current_ids()
    return await workspace.scripts(lambda scripts: iter(scripts.get_revisions(ids)))


async def history(
    directory: Folder = None, revisions: str = "base:heads", *, bind: str | None = None
) -> list[Revision]:
    """Return the scripts, newest first; ``"a:b"`` limits them."""
    base, _, head = revisions.partition(":")
    return await Workspace(directory, bind).scripts(
        lambda scripts: scripts.walk_revisions(base or "base", head or "heads")
    )


async def heads(directory: Folder = None, *, bind: str | None = None) -> list[Revision]:
    """Return the scripts that no other comes after."""
    return await Workspace(directory, bind).scripts(
        lambda scripts: iter(scripts.get_revisions("heads"))
    )


async def show(
    directory: Folder = None, revision: str = "head", *, bind: str | None = None
) -> Revision:
    """Return one script.

    Raises:
        RevisionNotFoundError: If there is none, or more than one of that name.
    """
    found = await Workspace(directory, bind).scripts(
        lambda scripts: iter(scripts.get_revisions(revision))
    )
    return found[0]
