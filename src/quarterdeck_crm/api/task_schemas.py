"""The bodies of requests and responses about tasks."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, ClassVar, Literal, Self

from msgspec import UNSET, Meta, UnsetType

from quarterdeck_crm import models
from quarterdeck_crm.models import Repeat as RepeatWord
from quarterdeck_crm.tasks.recurrence import MAX_EVERY

from . import fields as f
from .schemas import Body, Page, Representation

_Task = models.Task
Title = Annotated[str, f.describe(_Task.title, "What is to be done.", "Call about the offer")]
Details = Annotated[str, f.describe(_Task.details, "More about it.", "Ask for Maria.")]
DueOn = Annotated[
    date, Meta(description="The day, in the time zone of the task.", examples=["2026-12-01"])
]
DueTime = Annotated[
    str, f.describe(_Task.due_time, "The time of that day; null is the whole day.", "09:30")
]
Zone = Annotated[
    str,
    f.describe(_Task.zone, "The time zone of its dates and times; yours if new.", "Europe/Berlin"),
]
Urgency = Annotated[Literal["high", "normal", "low"], Meta(description="How urgent it is.")]
Repeat = Annotated[RepeatWord, Meta(description="How often it comes back when it is done.")]
Every = Annotated[
    int, Meta(ge=1, le=MAX_EVERY, description="2 with `weekly` is every second week.")
]
Until = Annotated[date, Meta(description="The last day on which it may come back.")]
RemindOn = Annotated[date, Meta(description="The day of the reminder.")]
RemindTime = Annotated[
    str, f.describe(_Task.remind_time, "The time of the reminder; 09:00 if null.", "08:00")
]
AssigneeId = Annotated[int, Meta(ge=1, le=f.MAX_INTEGER, description="The id of its user.")]
RecordId = Annotated[
    int,
    Meta(
        ge=1,
        le=f.MAX_INTEGER,
        description="The record it belongs to; the account follows a contact, an order or a deal.",
    ),
]


class TaskBody(Body):
    required: ClassVar = ("title",)
    optional: ClassVar = ("deal_id",)  # programs of before know no tasks of deals

    title: Title | UnsetType = UNSET
    details: Details | UnsetType | None = UNSET
    due_on: DueOn | UnsetType | None = UNSET
    due_time: DueTime | UnsetType | None = UNSET
    zone: Zone | UnsetType = UNSET
    priority: Urgency | UnsetType = UNSET
    assignee_id: AssigneeId | UnsetType | None = UNSET
    account_id: RecordId | UnsetType | None = UNSET
    contact_id: RecordId | UnsetType | None = UNSET
    order_id: RecordId | UnsetType | None = UNSET
    deal_id: RecordId | UnsetType | None = UNSET
    repeat: Repeat | UnsetType | None = UNSET
    repeat_every: Every | UnsetType = UNSET
    repeat_until: Until | UnsetType | None = UNSET
    remind_on: RemindOn | UnsetType | None = UNSET
    remind_time: RemindTime | UnsetType | None = UNSET


class Task(Representation):
    """A task."""

    id: f.Id
    title: Title
    details: Details | None
    due_on: DueOn | None
    due_time: DueTime | None
    zone: Zone
    due_at: Annotated[f.Moment, Meta(description="In UTC; null without a time.")] | None
    priority: Urgency
    assignee_id: AssigneeId | None
    creator_id: int | None
    account_id: RecordId | None
    contact_id: RecordId | None
    order_id: RecordId | None
    deal_id: RecordId | None
    repeat: Repeat | None
    repeat_every: Every
    repeat_until: Until | None
    remind_on: RemindOn | None
    remind_time: RemindTime | None
    remind_at: f.Moment | None
    is_done: bool
    done_at: f.Moment | None
    created_at: f.Moment
    updated_at: f.Moment

    @classmethod
    def of(cls, row: Any) -> Self:
        values = {name: getattr(row, name) for name in cls.__struct_fields__}
        values |= {"due_at": row.due, "priority": row.urgency.name.lower()}
        return cls(**values)


class TaskPage(Page):
    """A page of tasks."""

    items: list[Task]
