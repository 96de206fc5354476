"""Forms over rows that several people may edit at once.

A form carries the version of the row that it shows. When somebody else saved first, it comes
back: what only they changed is taken over, what both changed stays as typed with theirs
beside it, and the person chooses. Nothing is overwritten unseen, nothing typed is lost.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from wtforms import FieldList, IntegerField
from wtforms.validators import InputRequired
from wtforms.widgets import HiddenInput

from quarterdeck.wtf import QuartForm

from .activity import Changes, Subject, before, changes_since, plain
from .fields import OwnerField
from .history import HistoryItem, in_words

Translate = Callable[[Changes], Awaitable[Changes]]

NOT_VALUES = {"csrf_token", "version"}


class VersionedForm(QuartForm):
    """A form that remembers which version of the row it shows."""

    version = IntegerField(validators=[InputRequired()], widget=HiddenInput())


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that the other person changed; ``mine`` is what was typed into it."""

    label: str
    mine: Any
    theirs: Any
    taken_over: bool


@dataclass(frozen=True, slots=True)
class Conflict:
    """What happened to a row while a form over it was open."""

    history: Sequence[HistoryItem]
    differences: Sequence[Difference]


def values_of(form: QuartForm) -> dict[str, Any]:
    """Return what was entered, ready for a service."""
    return {name: value for name, value in form.data.items() if name not in NOT_VALUES}


async def reconcile(
    session: AsyncSession,
    form: VersionedForm,
    row: Subject,
    *,
    now: Mapping[str, Any] | None = None,
    translate: Translate | None = None,
) -> Conflict:
    """Bring a form that came too late up to date with its row, and say what differs.

    Args:
        session: The db session.
        form: As submitted; its version is the one that the person saw.
        row: As it is now.
        now: What the form would show now, where that is not simply the row's attributes.
        translate: Turns old values of the row into what the form showed for them.
    """
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
    """Take over what the person had not touched; yield all that the other one changed."""
    for name, typed in values_of(form).items():
        theirs = now[name]
        if _same(typed, theirs):
            continue
        untouched = name in earlier and _same(typed, earlier[name])
        if name in earlier or not earlier:
            yield _difference(form[name], typed, theirs, taken_over=untouched)
        if untouched:
            reset(form[name], theirs)


def reset(field: Any, value: Any) -> None:
    """Let a field show ``value`` instead of what was submitted."""
    if isinstance(field, FieldList):
        while field.entries:
            field.pop_entry()
        for item in value:
            field.append_entry(item)
        return
    field.raw_data = None
    field.process(None, value)


def _same(one: Any, other: Any) -> bool:
    return (plain(one) or None) == (plain(other) or None)


def _difference(field: Any, mine: Any, theirs: Any, *, taken_over: bool) -> Difference:
    choices = field.people if isinstance(field, OwnerField) else {}

    def shown(value: Any) -> Any:
        return plain(value) if isinstance(value, list) else choices.get(value, plain(value))

    return Difference(field.label.text, shown(mine), shown(theirs), taken_over)
