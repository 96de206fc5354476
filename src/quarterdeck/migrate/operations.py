"""The verbs of ``db`` as functions to be awaited, for the current app.

All raise ``MigrationError`` or one of its kinds; none prints or exits. ``directory``, ``bind``
and ``x_arg`` are those of :class:`~.workspace.Workspace`.
"""

from __future__ import annotations

import asyncio
import io
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quarterdeck.exceptions import MigrationsFolderError

from .config import STATE
from .revisions import Applied, Progress, Revision

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import Script

    from .workspace import Workspace

Folder = str | Path | None
Arguments = str | Sequence[str] | None
TEMPLATES = Path(__file__).parent / "templates"


async def _open(directory: Folder, bind: str | None = None, x_arg: Arguments = None) -> Workspace:
    """Return the workspace.

    It imports Alembic, which a server does not need to start, and in a thread: Alembic reads
    files of all installed packages.
    """
    module: Any = await asyncio.to_thread(import_module, f"{__package__}.workspace")
    opened: Workspace = module.Workspace(directory, bind, x_arg)
    return opened


def _verb(name: str) -> Callable[..., Any]:
    """Return one of Alembic's commands, to be called in its thread."""

    def call(*args: Any, **options: Any) -> Any:
        return getattr(import_module("alembic.command"), name)(*args, **options)

    return call


async def init(directory: Folder = None, template: Folder = None, *, package: bool = False) -> Path:
    """Make the folder of the migrations and return it.

    Args:
        directory: The folder to make.
        template: A folder with an ``env.py`` and a ``script.py.mako`` of your own.
        package: Put an ``__init__.py`` into the folder and into ``versions/``.

    Raises:
        MigrationsFolderError: If it holds migrations already, or the template has no ``env.py``.
    """
    folder = Path(directory) if directory is not None else STATE.get().directory
    source = Path(template) if template is not None else TEMPLATES

    def make() -> None:
        if (folder / "env.py").exists():
            raise MigrationsFolderError(
                str(folder), "holds migrations already", "Go on with 'db migrate'."
            )
        if not (source / "env.py").is_file():
            raise MigrationsFolderError(
                str(source), "has no 'env.py'", "Name a folder with a template."
            )
        (folder / "versions").mkdir(parents=True, exist_ok=True)
        for file in source.iterdir():
            if file.is_file():
                shutil.copy(file, folder)
        if package:
            for made in (folder, folder / "versions"):
                (made / "__init__.py").touch()

    await asyncio.to_thread(make)
    return folder


async def migrate(
    directory: Folder = None,
    message: str = "changes",
    *,
    bind: str | None = None,
    x_arg: Arguments = None,
    **options: Any,
) -> Revision | None:
    """Write the script that makes the database equal to the models; None if it is already.

    Args:
        directory: The folder of the migrations.
        message: A short description of the change.
        bind: The bind key of the database.
        x_arg: Arguments for ``env.py`` and the scripts.
        options: As in ``alembic.command.revision``: ``head``, ``splice``, ``branch_label``,
            ``rev_id``.

    Raises:
        MigrationsPendingError: If the database is behind the migrations.
    """
    workspace = await _open(directory, bind, x_arg)
    await workspace.create_database()
    await workspace.refuse_pending()
    from .rendering import tidy

    options |= {"autogenerate": True, "process_revision_directives": tidy}
    made = await _write(workspace, message, partial(_verb("revision"), message=message, **options))
    return made[0] if made else None


async def revision(
    directory: Folder = None, message: str = "changes", *, bind: str | None = None, **options: Any
) -> Revision:
    """Write an empty script, to be filled in by hand; ``options`` as in :func:`migrate`."""
    make = partial(_verb("revision"), message=message, **options)
    [made] = await _write(await _open(directory, bind), message, make)
    return made


async def merge(
    directory: Folder = None,
    revisions: str | tuple[str, ...] = "heads",
    message: str = "merge",
    branch_label: str | None = None,
    rev_id: str | None = None,
    *,
    bind: str | None = None,
) -> Revision:
    """Write the script that joins several heads."""
    make = partial(
        _verb("merge"),
        revisions=revisions,
        message=message,
        branch_label=branch_label,
        rev_id=rev_id,
    )
    [made] = await _write(await _open(directory, bind), message, make)
    return made


async def _write(
    workspace: Workspace,
    message: str,
    make: Callable[[Config], Script | list[Script | None] | None],
) -> list[Revision]:
    from .rendering import file_name

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
    tag: str | None = None,
    x_arg: Arguments = None,
    progress: Progress | None = None,
) -> list[Applied]:
    """Bring the database up to ``revision``, making it first if it is missing.

    Any number of processes may do so at once: one works, the others wait and find nothing to
    do. Each script is a transaction where the database can undo changes of the schema.

    Args:
        directory: The folder of the migrations.
        revision: An id or the beginning of one, ``"head"``, ``"heads"``, or ``"+1"``.
        bind: The bind key of the database.
        tag: A word for ``env.py``, which reads it with ``context.get_tag_argument()``.
        x_arg: Arguments for ``env.py`` and the scripts.
        progress: Called after each script.

    Returns:
        The scripts that were run, in their order.
    """
    workspace = await _open(directory, bind, x_arg)
    return await _apply(partial(_verb("upgrade"), tag=tag), workspace, revision, progress)


async def downgrade(
    directory: Folder = None,
    revision: str = "-1",
    *,
    bind: str | None = None,
    tag: str | None = None,
    x_arg: Arguments = None,
    progress: Progress | None = None,
) -> list[Applied]:
    """Take the database down to ``revision``: an id, ``"-1"``, or ``"base"`` for nothing."""
    workspace = await _open(directory, bind, x_arg)
    return await _apply(partial(_verb("downgrade"), tag=tag), workspace, revision, progress)


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
    tag: str | None = None,
    x_arg: Arguments = None,
) -> str:
    """Return the SQL of an upgrade, without a database; ``"a:b"`` names where it starts."""
    verb = _verb("downgrade" if downwards else "upgrade")

    def work(config: Config) -> str:
        config.output_buffer = text = io.StringIO()
        verb(config, revision, sql=True, tag=tag)
        return text.getvalue()

    return await (await _open(directory, bind, x_arg)).call(work)


async def stamp(
    directory: Folder = None,
    revision: str = "head",
    *,
    purge: bool = False,
    bind: str | None = None,
    tag: str | None = None,
) -> None:
    """Note in the database that it stands at ``revision``, without running a script.

    Args:
        directory: The folder of the migrations.
        revision: An id, ``"head"`` or ``"base"``.
        purge: Delete the recorded revision first, even if it is unknown.
        bind: The bind key of the database.
        tag: A word for ``env.py``.
    """
    await (await _open(directory, bind)).call(
        lambda config: _verb("stamp")(config, revision, tag=tag, purge=purge), lock=True
    )


async def check(directory: Folder = None, *, bind: str | None = None) -> None:
    """Return if the database is up to date and the models are as the migrations make them.

    Raises:
        MigrationsPendingError: If there are scripts that were not run.
        SchemaDriftError: If the models differ from the database.
    """
    workspace = await _open(directory, bind)
    await workspace.refuse_pending()
    await workspace.call(_verb("check"))


async def current(directory: Folder = None, *, bind: str | None = None) -> list[Revision]:
    """Return where the database stands: one revision, none, or one per branch."""
    workspace = await _open(directory, bind)
    ids = await workspace.current_ids()
    return await workspace.scripts(lambda scripts: iter(scripts.get_revisions(ids)))


async def history(
    directory: Folder = None, revisions: str = "base:heads", *, bind: str | None = None
) -> list[Revision]:
    """Return the scripts, newest first; ``"a:b"`` limits them."""
    base, _, head = revisions.partition(":")
    return await (await _open(directory, bind)).scripts(
        lambda scripts: scripts.walk_revisions(base or "base", head or "heads")
    )


async def heads(
    directory: Folder = None, *, resolve_dependencies: bool = False, bind: str | None = None
) -> list[Revision]:
    """Return the scripts that no other comes after.

    With ``resolve_dependencies`` without those that another one depends on.
    """
    return await (await _open(directory, bind)).scripts(
        lambda scripts: iter(
            scripts.get_revisions("heads" if resolve_dependencies else scripts.get_heads())
        )
    )


async def branches(directory: Folder = None, *, bind: str | None = None) -> list[Revision]:
    """Return the scripts that more than one comes after."""
    return await (await _open(directory, bind)).scripts(
        lambda scripts: (one for one in scripts.walk_revisions() if one.is_branch_point)
    )


async def show(
    directory: Folder = None, revision: str = "head", *, bind: str | None = None
) -> Revision:
    """Return one script.

    Raises:
        RevisionNotFoundError: If there is none, or more than one of that name.
    """
    found = await (await _open(directory, bind)).scripts(
        lambda scripts: iter(scripts.get_revisions(revision))
    )
    return found[0]
