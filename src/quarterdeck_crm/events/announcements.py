"""The live events of changes: every change with a line of history is an event.

Events leave when the transaction has committed, in the order of the changes. They carry the fields
of a list, so that a program need not request the row. Pages reload themselves, because
their content depends on the rights of the user.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy import inspect
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.sqlalchemy import Session
from quarterdeck_crm.extensions import hub
from quarterdeck_crm.models import (
    Account,
    Deal,
    Notification,
    Order,
    OrderState,
    Person,
    SavedView,
    Task,
    User,
)

Data = dict[str, Any]
LIVE_LISTS = ("orders", "deals", "tasks")  # the lists with a room
TASK_ACTIONS = {"created", "done", "reopened"}


def announce_change(
    session: AsyncSession,
    subject: object,
    *,
    actor: User | None,
    action: str,
    changes: Mapping[str, Any],
    is_new_version: bool,
) -> None:
    """Publish a change of an order, an account, a person, a task or a deal. Other rows have none.

    Args:
        session: That of the change.
        subject: As it is after the change.
        actor: The user that made the change.
        action: As in the history: ``created``, ``changed``, ``confirmed``, ``note added``, ...
        changes: As in the history.
        is_new_version: Whether the row itself changed, and not something that belongs to it.
    """
    about: Data = {"by": _user(actor), "action": action}
    match subject:
        case Order():
            about |= {"id": subject.id, "version": subject.version if is_new_version else None}
            about |= _order(subject) | {"was": changes.get("state", [None])[0]}
            _publish(session, ("orders", f"order:{subject.id}"), _order_event(action), about)
        case Account():
            about |= {"id": subject.id, "version": subject.version if is_new_version else None}
            about |= {"name": subject.name, "is_archived": subject.is_archived}
            event = "account.created" if action == "created" else "account.changed"
            _publish(session, (f"account:{subject.id}",), event, about)
        case Deal():
            about |= {"version": subject.version if is_new_version else None} | _deal(subject)
            _publish(session, _rooms_of_deal(subject), _deal_event(action), about)
        case Task():
            about |= {"version": subject.version if is_new_version else None} | _task(subject)
            event = f"task.{action if action in TASK_ACTIONS else 'changed'}"
            _publish(session, _rooms_of_task(subject), event, about)
        case Person():
            about |= {"id": subject.id, "version": subject.version if is_new_version else None}
            about |= {"name": subject.name, "is_archived": subject.is_archived}
            event = "contact.created" if action == "created" else "contact.changed"
            _publish(session, (f"person:{subject.id}",), event, about)


def announce_deleted(session: AsyncSession, order: Order, *, actor: User | None) -> None:
    """Publish that an order was deleted."""
    data = {"id": order.id, "version": None, "by": _user(actor), "action": "deleted"}
    _publish(
        session, ("orders", f"order:{order.id}"), "order.deleted", data | {"number": order.number}
    )


def announce_task_deleted(session: AsyncSession, task: Task, *, actor: User | None) -> None:
    """Publish that a task was deleted."""
    data = _task(task) | {"version": None, "by": _user(actor), "action": "deleted"}
    _publish(session, _rooms_of_task(task), "task.deleted", data)


def announce_deal_deleted(session: AsyncSession, deal: Deal, *, actor: User | None) -> None:
    """Publish that a deal was deleted."""
    data = _deal(deal) | {"version": None, "by": _user(actor), "action": "deleted"}
    _publish(session, _rooms_of_deal(deal), "deal.deleted", data)


def announce_reminder(session: AsyncSession, task: Task) -> None:
    """Publish the reminder of a task to the connections of its assignee."""
    data = _task(task) | {"version": None, "by": None, "action": "reminder"}
    reader = str(task.assignee_id)
    cast(Session, session).after_commit(lambda: hub.publish_to(reader, "task.reminder", data))


def announce_notification(
    session: AsyncSession, notification: Notification, *, actor: User | None, title: str
) -> None:
    """Publish a notification to the connections of its user.

    Args:
        session: That of the change.
        notification: As it was stored.
        actor: The user that caused it.
        title: The words for its record.
    """
    data = {
        "id": notification.id,
        "kind": notification.kind.value,
        "by": _user(actor),
        "record": notification.subject_type,
        "record_id": notification.subject_id,
        "note_id": notification.note_id,
        "title": title,
    }
    reader = str(notification.user_id)
    cast(Session, session).after_commit(lambda: hub.publish_to(reader, "notification", data))


def announce_read(session: AsyncSession, *, user_id: int, unread: int) -> None:
    """Publish to the connections of a user that notifications were read.

    Args:
        session: That of the change.
        user_id: The user.
        unread: How many notifications are left, counted to 100.
    """
    data, reader = {"unread": unread}, str(user_id)
    cast(Session, session).after_commit(lambda: hub.publish_to(reader, "notifications.read", data))


def announce_imported(session: AsyncSession, *, count: int) -> None:
    """Publish that orders were imported, in one event for all of them."""
    _publish(session, ("orders",), "orders.imported", {"count": count, "action": "imported"})


def announce_user(session: AsyncSession, user: User, *, action: str) -> None:
    """Publish that a user was created, changed or deleted."""
    data = {"id": user.id, "name": user.name, "is_active": user.is_active}
    event = f"person.{action if action in {'created', 'deleted'} else 'changed'}"
    _publish(session, ("team",), event, data | {"action": action})


def announce_view(
    session: AsyncSession, view: SavedView, *, actor: User | None, action: str
) -> None:
    """Publish that a shared view was ``created``, ``changed`` or ``deleted``.

    Only lists that have a room hear of it; the other lists show it when they are loaded again.
    """
    if view.page not in LIVE_LISTS:
        return
    data = {"id": view.id, "name": view.name, "by": _user(actor), "action": action}
    _publish(session, (view.page,), f"view.{action}", data)


async def announce_editor(order: Order, *, actor: User) -> None:
    """Publish that a user opened an order for editing. Presence shows for how long."""
    data = {"id": order.id, "number": order.number, "by": _user(actor)}
    await hub.publish("orders", "order.editing", data)


def _publish(session: AsyncSession, rooms: tuple[str, ...], event: str, data: Data) -> None:
    for room in rooms:
        hub.publish_after(cast(Session, session), room, event, data)


def _order_event(action: str) -> str:
    if action in list(OrderState) or action == "undone":
        return "order.moved"
    return "order.created" if action == "created" else "order.changed"


def _order(order: Order) -> Data:
    return {
        "number": order.number,
        "state": order.state.value,
        "net": f"{order.net:.6f}",
        "currency": order.currency,
        "ordered_on": order.ordered_on.isoformat(),
        "account": _reference(order, "account"),
        "owner": _reference(order, "owner"),
    }


def _deal(deal: Deal) -> Data:
    return {
        "id": deal.id,
        "title": deal.name,
        "stage_id": deal.stage_id,
        "kind": deal.kind.value,
        "value": f"{deal.value:.6f}",
        "currency": deal.currency,
        "owner": None if deal.owner_id is None else {"id": deal.owner_id, "name": None},
    }


def _deal_event(action: str) -> str:
    if action.startswith("deal "):
        return "deal.moved"
    return "deal.created" if action == "created" else "deal.changed"


def _rooms_of_deal(deal: Deal) -> tuple[str, ...]:
    return ("deals", f"deal:{deal.id}", f"account:{deal.account_id}")


def _task(task: Task) -> Data:
    return {
        "id": task.id,
        "title": task.title,
        "is_done": task.is_done,
        "due_on": None if task.due_on is None else task.due_on.isoformat(),
        "due_time": task.due_time,
        "owner": None if task.assignee_id is None else {"id": task.assignee_id, "name": None},
    }


def _rooms_of_task(task: Task) -> tuple[str, ...]:
    """Return the rooms of a task: its own, the list, and those of the records it belongs to."""
    records = {
        "account": task.account_id,
        "contact": task.contact_id,
        "order": task.order_id,
        "deal": task.deal_id,
    }
    found = [f"{name}:{id_}" for name, id_ in records.items() if id_ is not None]
    return ("tasks", f"task:{task.id}", *found)


def _user(user: User | None) -> Data | None:
    return {"id": str(user.id), "name": user.name} if user is not None else None


def _reference(order: Order, name: str) -> Data | None:
    """Return the id of a row that the order names, and its name if that is at hand."""
    id_ = getattr(order, f"{name}_id")
    if id_ is None:
        return None
    is_loaded = name not in inspect(order).unloaded
    row = getattr(order, name) if is_loaded else None
    return {"id": id_, "name": row.name if row is not None and row.id == id_ else None}
