"""Running an import: who may, in one transaction of its own, tried or for good."""

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
    """Import files, all or nothing, in a db session of its own.

    Args:
        kind: What the files hold.
        files: One for each of its parts.
        actor_id: The person who does it, for the history; None is the system.
        dry_run: Do everything, then roll it back.
        progress: Called now and then with the bytes read and the bytes there are.

    Raises:
        ImportRefusedError: If a file has any mistake.
        ForbiddenError: If the person may not, or no longer.
    """
    try:
        async with db.new_session() as session, session.transaction():
            if actor_id is not None:
                _require_importer(await session.get(User, actor_id))
            currency = current_app.config["CURRENCY"]
            task = Import(session, actor_id=actor_id, currency=currency, progress=progress)
            report = await kind.load(task, files)
            if dry_run:
                raise _OnlyTriedError(report)
    except _OnlyTriedError as tried:
        return tried.report
    return report


class _OnlyTriedError(Exception):
    """Carries the report out of a transaction that must not stay."""

    def __init__(self, report: Report) -> None:
        self.report = report


def _require_importer(actor: User | None) -> None:
    if actor is None or not actor.is_active:
        raise ForbiddenError("Who asked for this import is no longer in the team.")
    require_role(actor, IMPORTER)
