"""Running an import: who may, in a db session of its own, tried or for good."""

from __future__ import annotations

from collections.abc import Sequence

from quart import current_app

from quarterdeck_crm.errors import ForbiddenError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Role, User
from quarterdeck_crm.ownership import require_role

from .importing import Import, Progress, Report
from .kinds import Kind, Source

IMPORTER = Role.MODERATOR  # imports change everybody's accounts and the whole catalogue


async def run_import(
    kind: Kind,
    files: Sequence[Source],
    *,
    actor_id: int | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Import files in a db session of its own.

    Args:
        kind: What the files hold.
        files: One for each of its parts.
        actor_id: The person who does it, for the history; None is the system.
        dry_run: Check everything; write nothing.
        progress: Called now and then with what is done and what there is to do.

    Raises:
        ImportRefusedError: If a file has any mistake. Nothing is written then.
        ForbiddenError: If the person may not, or no longer.
        ConflictError: If somebody else wrote the same rows meanwhile.
    """
    async with db.new_session() as session:
        if actor_id is not None:
            _require_importer(await session.get(User, actor_id))
        currency = current_app.config["CURRENCY"]
        task = Import(
            session, actor_id=actor_id, currency=currency, dry_run=dry_run, progress=progress
        )
        try:
            return await kind.load(task, files)
        finally:
            task.worker.close()


def _require_importer(actor: User | None) -> None:
    if actor is None or not actor.is_active:
        raise ForbiddenError("Who asked for this import is no longer in the team.")
    require_role(actor, IMPORTER)
