"""The form of a task. The services validate the values; the form validates their text."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from wtforms import DateField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, NumberRange, Optional
from wtforms.widgets import HiddenInput, TimeInput

from quarterdeck.login import current_user
from quarterdeck_crm.forms.conflicts import VersionedForm, values_of
from quarterdeck_crm.forms.fields import OwnerField, PickField, WholeField, ZoneField, offered
from quarterdeck_crm.forms.submission import SubmissionField
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import Account, Priority, Repeat, Task, User
from quarterdeck_crm.search.autocomplete import label, pick
from quarterdeck_crm.validation import longest

from .bounds import zone_name
from .recurrence import MAX_EVERY

PRIORITIES = {"1": _l("High"), "2": _l("Normal"), "3": _l("Low")}
REPEATS = {
    "": _l("Never"),
    Repeat.DAILY.value: _l("Daily"),
    Repeat.WEEKDAYS.value: _l("Monday to Friday"),
    Repeat.WEEKLY.value: _l("Weekly"),
    Repeat.MONTHLY.value: _l("Monthly"),
    Repeat.YEARLY.value: _l("Yearly"),
}


class QuickForm(VersionedForm):
    """The hidden fields of the form of one line, which is sent to that of a task."""

    submission = SubmissionField()
    assignee_id = WholeField(widget=HiddenInput())
    zone = StringField(widget=HiddenInput())

    @classmethod
    def of(cls, user: User) -> QuickForm:
        """Return a form for a task of a user."""
        return cls(data={"assignee_id": user.id, "zone": zone_name(user), "version": 0})


class TaskForm(VersionedForm):
    submission = SubmissionField()
    title = StringField(
        _l("Title"), [DataRequired(_l("Enter what is to be done.")), Length(max=200)]
    )
    due_on = DateField(_l("Due date"), [Optional()])
    due_time = StringField(_l("Time"), [Length(max=5)], widget=TimeInput())
    zone = ZoneField(_l("Time zone"), default=lambda: zone_name(current_user))
    priority = SelectField(
        _l("Priority"), choices=offered(PRIORITIES), default=Priority.NORMAL, coerce=int
    )
    assignee_id = OwnerField(_l("Assignee"))
    account = PickField(_l("Account"), [Optional()])
    contact_id = WholeField(_l("Contact"), [Optional()], widget=HiddenInput())
    order_id = WholeField(_l("Order"), [Optional()], widget=HiddenInput())
    deal_id = WholeField(_l("Deal"), [Optional()], widget=HiddenInput())
    repeat = SelectField(
        _l("Repeats"), choices=offered(REPEATS), default="", coerce=lambda word: word or ""
    )
    repeat_every = WholeField(
        _l("Every"),
        [Optional(), NumberRange(1, MAX_EVERY)],
        default=1,
        description=_l("2 with 'Weekly' is every second week."),
    )
    repeat_until = DateField(_l("Repeats until"), [Optional()])
    remind_on = DateField(_l("Remind on"), [Optional()])
    remind_time = StringField(_l("Remind at"), [Length(max=5)], widget=TimeInput())
    details = TextAreaField(_l("Details"), [Length(max=longest(Task.details))])

    async def settle(self, session: AsyncSession) -> bool:
        """Find the account that the words mean; False if it is in doubt."""
        if not self.account.data:
            return True
        found = await pick(session, Account, [self.account.data])
        self.account.settle(found[self.account.data])
        return self.account.row is not None

    def entries(self) -> dict[str, Any]:
        """Return the values as the services take them."""
        values = values_of(self)
        values.pop("account")
        values["account_id"] = self.account.row.id if self.account.row is not None else None
        values["repeat"] = values["repeat"] or None
        if values["repeat_every"] is None:
            values["repeat_every"] = 1
        return values

    def add_errors(self, errors: Any) -> None:
        """Show the error of the account beside its field."""
        rest = dict(errors)
        if "account_id" in rest:
            rest["account"] = rest.pop("account_id")
        super().add_errors(rest)


def form_data(task: Task) -> dict[str, Any]:
    """Return the values that the form of a task shows."""
    names = (name for name in TaskForm.__dict__ if hasattr(task, name))
    shown = {name: getattr(task, name) for name in names}
    is_plain = not (task.contact_id or task.order_id or task.deal_id)
    account = task.account if is_plain else None
    return shown | {
        "account": label(account) if account is not None else "",
        "repeat": task.repeat or "",
        "version": task.version,
    }
