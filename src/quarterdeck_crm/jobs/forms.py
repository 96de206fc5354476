"""The form of a schedule."""

from __future__ import annotations

import re

from wtforms import Field, RadioField, SelectField, StringField
from wtforms.form import BaseForm
from wtforms.validators import NumberRange, Regexp, StopValidation

from quarterdeck.wtf import QuartForm
from quarterdeck_crm.forms.fields import WholeField, offered
from quarterdeck_crm.languages import lazy as _l

from .schedules import DAYS, UNITS, Schedule

KINDS = {"time": _l("At a time"), "hourly": _l("Each hour"), "interval": _l("At an interval")}
_TIME = re.compile(r"([01]?\d|2[0-3]):[0-5]\d")
TIME_PROBLEM = _l("Enter a time such as 07:30.")
MAX_EVERY = 1_000


class NeededFor:
    """Requires an entry for some kinds of schedules, and ignores it for the others."""

    def __init__(self, *kinds: str, message: str) -> None:
        self._kinds = kinds
        self._message = message

    def __call__(self, form: BaseForm, field: Field) -> None:
        if form["kind"].data not in self._kinds:
            field.errors = []
            raise StopValidation
        if not any(str(text).strip() for text in field.raw_data or ()):
            field.errors = []
            raise StopValidation(self._message)


class ScheduleForm(QuartForm):
    kind = RadioField(_l("When it runs"), choices=offered(KINDS), default="time")
    days = SelectField(_l("Days"), choices=offered(DAYS), default="*")
    time = StringField(
        _l("Time"),
        [
            NeededFor("time", "hourly", message=TIME_PROBLEM),
            Regexp(re.compile(rf"^\s*{_TIME.pattern}\s*$"), message=TIME_PROBLEM),
        ],
        description=_l("Such as 07:30. For 'Each hour' only the minutes count."),
        render_kw={"inputmode": "numeric", "autocomplete": "off", "placeholder": "07:30"},
    )
    every = WholeField(
        _l("Every"),
        [NeededFor("interval", message=_l("Enter a number.")), NumberRange(1, MAX_EVERY)],
        description=_l("For 'At an interval'."),
        render_kw={"inputmode": "numeric"},
    )
    unit = SelectField(_l("Unit"), choices=offered(UNITS), default="hours")

    def fill(self, schedule: Schedule) -> None:
        """Show a schedule."""
        self.every.data, self.unit.data = schedule.every, schedule.unit
        if schedule.days is None:
            self.kind.data = "interval"
            return
        self.kind.data = "hourly" if schedule.hour is None else "time"
        self.days.data = schedule.days
        self.time.data = f"{schedule.hour or 0:02}:{schedule.minute:02}"

    def schedule(self) -> Schedule:
        """Return the entries, after they were validated."""
        if self.kind.data == "interval":
            return Schedule(every=self.every.data or 1, unit=str(self.unit.data))
        hour, minute = (int(part) for part in (self.time.data or "0:00").split(":"))
        whole = None if self.kind.data == "hourly" else hour
        return Schedule(days=str(self.days.data), hour=whole, minute=minute)
