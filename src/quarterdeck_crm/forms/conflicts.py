"""Forms over rows that several users may edit at once.

A form carries the version of the row that it shows. If another user saved first, it comes back:
fields that only the other user changed are taken over. Fields that both changed stay as typed,
with the other value beside them, and the user chooses. Nothing is overwritten unseen.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from wtforms import FieldList
from wtforms.validators import InputRequired
from wtforms.widgets import HiddenInput

from quarterdeck.wtf import QuartForm
from quarterdeck_crm.history.recording import (
    Changes,
    Subject,
    VersionedRow,
    before,
    changes_since,
    plain,
    require_version,
)
from quarterdeck_crm.history.wording import HistoryItem, in_words

from .fields import OwnerField, WholeField

Translate = Callable[[Changes], Awaitable[Changes]]

NOT_VALUES = {"csrf_token", "submission", "version"}


class VersionedForm(QuartForm):
    """A form that remembers which version of the row it shows."""

    version = WholeField(validators=[InputRequired()], widget=HiddenInput())

    def require_present(self, row: VersionedRow) -> None:
        """Refuse a form that shows an older version of its row, also if it is not valid.

        Raises:
            StaleError: If the row has changed since.
        """
        if self.version.data is not None:
            require_version(row, self.version.data)


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that the other user changed; ``mine`` is the entry of this user."""

    label: str
    mine: Any
    theirs: Any
    taken_over: bool


@dataclass(frozen=True, slots=True)
class Conflict:
    """The reason why a form could not be saved.

    Attributes:
        history: The changes to the row since the form was opened, newest first.
        differences: The fields that differ because of them.
        is_clash: Whether the row is unchanged: another row took a value that must be unique.
    """

    history: Sequence[HistoryItem]
    differences: Sequence[Difference]
    is_clash: bool = False


def values_of(form: QuartForm) -> dict[str, Any]:
    """Return the entries, ready for a service."""
    return {name: value for name, value in form.data.items() if name not in NOT_VALUES}


async def reconcile(
    session: AsyncSession,
    form: VersionedForm,
    row: Subject,
    *,
    now: Mapping[str, Any] | None = None,
    translate: Translate | None = None,
) -> Conflict:
    """Update a late form from its row, and return the differences.

    Args:
        session: The db session.
        form: As submitted; its version is the one that the user saw.
        row: As it is now.
        now: The current values of fields that are not attributes of the row.
        translate: Turns old values of the row into the texts of the form.
    """
    if form.version.data == row.version:
        return Conflict((), (), is_clash=True)
    entries = await changes_since(session, row, form.version.data or 0)
    earlier = before(entries)
    if translate is not None:
        earlier = await translate(earlier)
    present = {name: getattr(row, name) for name in values_of(form)} if now is None else now
    differences = list(_merge(form, present, earlier))
    reset(form.version, row.version)
    return Conflict(await in_words(session, entries), differences)


def _merge(
    form: QuartForm, now: Mapping[str, Any], earlier: Mapping[str, Any]
) -> Iterator[Difference]:
    """Take over fields that this user left alone; yield all that the other user changed."""
    for name, value in values_of(form).items():
        theirs, typed = now[name], _typed(form[name], value)
        if _same(typed, theirs):
            continue
        untouched = name in earlier and _same(typed, earlier[name])
        if name in earlier or not earlier:
            yield _difference(form[name], typed, theirs, taken_over=untouched)
        if untouched:
            reset(form[name], theirs)


def reset(field: Any, value: Any) -> None:
    """Let a field show ``value`` instead of the submitted text."""
    if isinstance(field, FieldList):
        while field.entries:
            field.pop_entry()
        for item in value:
            field.append_entry(item)
        return
    field.raw_data = None
    field.process(None, value)


def _typed(field: Any, value: Any) -> Any:
    """Return the text of a field that has no value because it cannot be read."""
    raw = None if isinstance(field, FieldList) else field.raw_data
    return raw[0] if field.errors and value is None and raw else value


def _same(one: Any, other: Any) -> bool:
    return (plain(one) or None) == (plain(other) or None)


def _difference(field: Any, mine: Any, theirs: Any, *, taken_over: bool) -> Difference:
    choices = field.users if isinstance(field, OwnerField) else {}

    def shown(value: Any) -> Any:
        if isinstance(value, list):
            return [_numbers(row) for row in value]
        return choices.get(value, _shortest(value))

    return Difference(field.label.text, shown(mine), shown(theirs), taken_over)


def _numbers(row: Any) -> Any:
    return {name: _shortest(value) for name, value in row.items()}


def _shortest(value: Any) -> Any:
    """Return a decimal without trailing zeros, any other value in plain form."""
    return Decimal(plain(value)) if isinstance(value, Decimal) else plain(value)
