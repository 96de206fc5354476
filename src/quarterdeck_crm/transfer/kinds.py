"""The kinds of data that commands and pages import and export, and the run of an import."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from quart import current_app

from quarterdeck.babel import gettext as _
from quarterdeck_crm.errors import ForbiddenError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.lists.records import LISTS, RecordList
from quarterdeck_crm.models import Role, User
from quarterdeck_crm.permissions import require_role

from .accounts import import_accounts
from .columns import Table
from .deals import import_deals
from .deals_export import export_deals
from .exporting import Export, export_accounts, export_goods, export_lines, export_orders
from .exporting_tasks import export_tasks
from .goods import import_goods
from .importing import Import, Progress, Report, Source
from .notes import import_notes
from .notes_export import export_notes
from .orders import import_orders
from .people import import_people
from .people_export import export_people
from .tables import ACCOUNTS, DEALS, GOODS, LINES, NOTES, ORDERS, PEOPLE, TASKS
from .tasks import import_tasks
from .turns import turn

IMPORTER = Role.MODERATOR  # imports change the accounts of all users and all goods


@dataclass(frozen=True, slots=True)
class Part:
    """One of the files of a kind.

    Attributes:
        name: Of the exported file, without its ending.
        label: Its name on pages.
        table: Its columns.
        export: Yields it as CSV.
        records: The list that its records can be chosen from.
    """

    name: str
    label: str
    table: Table
    export: Export
    records: RecordList | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """Something to import or export, in one file or in several that belong together."""

    name: str
    parts: tuple[Part, ...]
    load: Callable[[Import, Sequence[Source]], Awaitable[Report]]


_KINDS = (
    Kind(
        "accounts",
        (Part("accounts", "Accounts", ACCOUNTS, export_accounts, LISTS["accounts"]),),
        import_accounts,
    ),
    Kind(
        "people", (Part("people", "People", PEOPLE, export_people, LISTS["people"]),), import_people
    ),
    Kind("goods", (Part("goods", "Goods", GOODS, export_goods, LISTS["goods"]),), import_goods),
    Kind(
        "orders",
        (
            Part("orders", "Orders", ORDERS, export_orders, LISTS["orders"]),
            Part("order-lines", _l("Order lines"), LINES, export_lines, LISTS["orders"]),
        ),
        import_orders,
    ),
    Kind("deals", (Part("deals", _l("Deals"), DEALS, export_deals, LISTS["deals"]),), import_deals),
    Kind("tasks", (Part("tasks", "Tasks", TASKS, export_tasks, LISTS["tasks"]),), import_tasks),
    Kind("notes", (Part("notes", _l("Notes"), NOTES, export_notes),), import_notes),
)
KINDS = {kind.name: kind for kind in _KINDS}  # in the order in which they need each other
PARTS = {part.name: part for kind in _KINDS for part in kind.parts}


async def run_import(
    kind: Kind,
    files: Sequence[Source],
    *,
    actor_id: int | None = None,
    dry_run: bool = False,
    ignored: Collection[str] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Import files in a db session of its own, one import after the other.

    Args:
        kind: The kind of data in the files.
        files: One for each of its parts.
        actor_id: The user that imports, for the history; None is the system.
        dry_run: Check everything; write nothing.
        ignored: The columns that the user knows are not imported, from an earlier check.
        progress: Called after each batch with the work done and the whole work, in bytes.

    Raises:
        ImportRefusedError: If a file has any mistake. Nothing is written then.
        ForbiddenError: If the user may not, or no longer.
        ConflictError: If another session wrote the same rows since the check, or a column is
            not in use any more.
    """
    async with nullcontext() if dry_run else turn(), db.new_session() as session:
        if actor_id is not None:
            _require_importer(await session.get(User, actor_id))
        currency = current_app.config["CURRENCY"]
        task = Import(
            session,
            actor_id=actor_id,
            currency=currency,
            dry_run=dry_run,
            ignored=ignored,
            progress=progress,
        )
        try:
            return await kind.load(task, files)
        finally:
            await task.worker.close()


def _require_importer(actor: User | None) -> None:
    if actor is None or not actor.is_active:
        raise ForbiddenError(_("The user that started this import is no longer in the team."))
    require_role(actor, IMPORTER)
