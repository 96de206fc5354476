"""The open tasks on the page of a record, with a form that adds one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.models import Person, Task, User
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.validation.times import load_zone

from .bounds import Bounds, zone_name
from .forms import QuickForm
from .queries import MAX_OF_RECORD, list_of_record
from .services import may_change


@dataclass(frozen=True, slots=True)
class TaskPanel:
    """The open tasks of a record.

    Attributes:
        tasks: Those due next.
        has_more: Whether the list of tasks has more of them.
        bounds: The parts of the reader's day.
        form: Adds a task to the record.
        link: The argument that names the record, for addresses.
        reader: The user that reads the page.
    """

    tasks: Sequence[Task]
    has_more: bool
    bounds: Bounds
    form: QuickForm
    link: dict[str, int]
    reader: User

    def may_change(self, task: Task) -> bool:
        """Whether the reader may mark the task as done."""
        return may_change(self.reader, task)


async def read_bounds(user: User) -> Bounds:
    """Return the parts of the present day of a user."""
    return Bounds.of(utc_now(), await load_zone(zone_name(user)))


async def read_panel(session: AsyncSession, *, reader: User, **record: Any) -> TaskPanel:
    """Return the tasks of a record, in one statement.

    Args:
        session: The db session.
        reader: The user that reads the page.
        record: ``account``, ``contact``, ``order`` or ``deal``, with its id.
    """
    ((name, id_),) = record.items()
    tasks = await list_of_record(session, **{f"{name}_id": id_})
    return TaskPanel(
        tasks[:MAX_OF_RECORD],
        len(tasks) > MAX_OF_RECORD,
        await read_bounds(reader),
        QuickForm.of(reader),
        {name: id_},
        reader,
    )


async def read_person_panel(session: AsyncSession, *, reader: User, person: Person) -> TaskPanel:
    """Return the tasks of a person at all of its accounts, in one statement.

    Args:
        session: The db session.
        reader: The user that reads the page.
        person: With its contacts.
    """
    ids = [contact.id for contact in person.contacts]
    tasks = await list_of_record(session, contact_id=ids) if ids else []
    return TaskPanel(
        tasks[:MAX_OF_RECORD],
        len(tasks) > MAX_OF_RECORD,
        await read_bounds(reader),
        QuickForm.of(reader),
        {"person": person.id},
        reader,
    )
