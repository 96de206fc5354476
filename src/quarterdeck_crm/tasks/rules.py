"""The rules for the values of a task, for forms, the API and imports alike."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck_crm.models import Contact, Deal, Order, Priority, Repeat, Task
from quarterdeck_crm.models.task import NEVER
from quarterdeck_crm.permissions import owner_problem
from quarterdeck_crm.search.merges import find_account
from quarterdeck_crm.validation import Problems
from quarterdeck_crm.validation.times import instant, load_zone

from .recurrence import MAX_EVERY

WHEN = ("due_on", "due_time", "zone", "remind_on", "remind_time")
REPEATS = ("repeat", "repeat_every", "repeat_until")
LINKS = ("account_id", "contact_id", "order_id", "deal_id")
FIELDS = ("title", "details", "priority", "assignee_id", *WHEN, *REPEATS, *LINKS)
MIDNIGHT = "00:00"
FIRST_YEAR, LAST_YEAR = 1900, 2999  # so that instants exist in all time zones


async def check_task(
    session: AsyncSession,
    *,
    values: Mapping[str, Any],
    task: Task | None = None,
    lock: bool = True,
) -> dict[str, Any]:
    """Return values that a task can have, with the columns that follow from them.

    Args:
        session: The db session.
        values: The entries; for a new task all of them.
        task: The task that is edited.
        lock: Whether the account stays as it is until the transaction ends. False for a check
            of a form, outside of any transaction.

    Raises:
        ValidationError: With the problems of all values at once.
    """
    problems = Problems()
    cleaned = problems.clean(Task, values, fields=FIELDS, complete=task is None, row=task)
    _check_words(problems, cleaned)
    whole = _whole(cleaned, task)
    derived = await complete_values(problems, cleaned, task)
    await _check_links(session, problems, cleaned, whole, task, lock=lock)
    assignee_id = cleaned.get("assignee_id")
    is_new = assignee_id is not None and (task is None or assignee_id != task.assignee_id)
    if is_new and (problem := await owner_problem(session, assignee_id or 0)):
        problems.add("assignee_id", problem)
    problems.raise_if_any()
    return cleaned | derived


async def complete_values(
    problems: Problems, values: Mapping[str, Any], task: Task | None
) -> dict[str, Any]:
    """Return the columns that follow from others, and keep the problems of dates and times.

    It asks nothing of the database.

    Args:
        problems: Collects the problems.
        values: The values of the task that change, ready for the columns.
        task: The task as it is, if there is one.
    """
    whole = _whole(values, task)
    _check_times(problems, whole)
    return {} if problems.errors else await _derived(whole, task)


def _check_words(problems: Problems, cleaned: dict[str, Any]) -> None:
    if (priority := cleaned.get("priority")) is not None and priority not in list(Priority):
        problems.add("priority", _("Choose a priority."))
    if (repeat := cleaned.get("repeat")) is not None:
        with problems.collected("repeat"):
            if repeat not in list(Repeat):
                raise ValueError(_("Choose how often the task comes back."))
            cleaned["repeat"] = Repeat(repeat)
    every = cleaned.get("repeat_every")
    if every is not None and not 1 <= every <= MAX_EVERY:
        problems.add(
            "repeat_every", _("Enter a whole number from 1 to %(max_every)s.", max_every=MAX_EVERY)
        )


def _whole(cleaned: Mapping[str, Any], task: Task | None) -> dict[str, Any]:
    """Return all values of the task as it will be."""
    present = {name: getattr(task, name) for name in FIELDS} if task is not None else {}
    return dict.fromkeys(FIELDS) | present | {"zone": present.get("zone", "UTC")} | dict(cleaned)


def _check_times(problems: Problems, whole: Mapping[str, Any]) -> None:
    for name in ("due_on", "remind_on"):
        if whole[name] and not FIRST_YEAR <= whole[name].year <= LAST_YEAR:
            problems.add(
                name,
                _(
                    "Enter a day of the years %(first_year)s to %(last_year)s.",
                    first_year=FIRST_YEAR,
                    last_year=LAST_YEAR,
                ),
            )
    if whole["due_time"] and not whole["due_on"]:
        problems.add("due_on", _("Enter the day for this time, or remove the time."))
    if whole["remind_time"] and not whole["remind_on"]:
        problems.add("remind_on", _("Enter the day for this time, or remove the time."))
    if whole["repeat"] and not whole["due_on"]:
        problems.add("due_on", _("A task that repeats needs the day of the first time."))
    until = whole["repeat_until"]
    if whole["repeat"] and until and whole["due_on"] and until < whole["due_on"]:
        problems.add("repeat_until", _("This is before the task is due."))


async def _check_links(
    session: AsyncSession,
    problems: Problems,
    cleaned: dict[str, Any],
    whole: dict[str, Any],
    task: Task | None,
    *,
    lock: bool,
) -> None:
    """Refuse a record that is not there; the account of a task is that of its record."""
    linked = [name for name in LINKS[1:] if whole[name]]
    if len(linked) > 1:
        problems.add(linked[-1], _("Link the task to one record only."))
        return
    before = {name: getattr(task, name) for name in LINKS} if task is not None else {}
    if task is not None and all(whole[name] == before[name] for name in LINKS):
        return
    for name, column, text in (
        ("order_id", Order, _("There is no such order.")),
        ("contact_id", Contact, _("There is no such contact.")),
        ("deal_id", Deal, _("There is no such deal.")),
    ):
        if (id_ := whole[name]) is None:
            continue
        account_id = await session.scalar(select(column.account_id).where(column.id == id_))
        # A merge that comes between gives the record to another account.
        account = await find_account(session, account_id or 0, lock=lock)
        if account is None:
            problems.add(name, text)
        else:
            cleaned["account_id"] = whole["account_id"] = account.id
        return
    account_id = whole["account_id"]
    is_new = account_id is not None and account_id != before.get("account_id")
    if not is_new:
        return
    if (account := await find_account(session, account_id, lock=lock)) is None:
        problems.add("account_id", _("Choose an account."))
    else:
        cleaned["account_id"] = whole["account_id"] = account.id


async def _derived(whole: Mapping[str, Any], task: Task | None) -> dict[str, Any]:
    """Return the columns that follow from the entered ones."""
    zone = await load_zone(whole["zone"])
    found: dict[str, Any] = {"due_at": NEVER, "remind_at": None}
    if whole["due_on"] and whole["due_time"]:
        found["due_at"] = instant(whole["due_on"], whole["due_time"], zone)
    elif whole["due_on"]:
        found["due_at"] = instant(whole["due_on"], MIDNIGHT, await load_zone("UTC"))
    if whole["remind_on"]:
        found["remind_at"] = instant(whole["remind_on"], whole["remind_time"] or "09:00", zone)
    if task is None or found["remind_at"] != task.remind_at:
        found["reminded_at"] = None
    series = ("due_on", "repeat", "repeat_every")
    if task is None or any(whole[name] != getattr(task, name) for name in series):
        found["repeat_from"] = whole["due_on"] if whole["repeat"] else None
    return found


def shifted(task: Task, due_on: Any) -> dict[str, Any]:
    """Return the values of the next task of a series, which is due on another day."""
    assert task.due_on is not None  # noqa: S101 - a task that repeats has a day
    values = {name: getattr(task, name) for name in FIELDS}
    by: timedelta = due_on - task.due_on
    values["due_on"] = due_on
    if task.remind_on is not None:
        values["remind_on"] = task.remind_on + by
    return values
