"""The timeline of a record: its notes, orders, files, mails and changes, newest first.

Each source is read by its own index and has a position of its own in the cursor. So a page costs
the same however long the past of a record is, and nothing is skipped or shown twice.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from itertools import islice
from typing import Any

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, load_only

from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import Activity, Attachment, Note, Order, User
from quarterdeck_crm.validation.numbers import row_id

from .recording import Subject
from .wording import in_words

PAGE = 20
# A filter for mails may pass over other lines of history: so many are read for a page.
MAX_READ = 100
NEWER = 10  # items that are shown above a note that a link leads to: the answers to it
ALL = "all"
WORDS = {
    ALL: _l("All"),
    "notes": _l("Notes"),
    "orders": _l("Orders"),
    "files": _l("Files"),
    "mails": _l("Mails"),
    "changes": _l("Changes"),
}
KINDS = {
    "account": ("notes", "orders", "files", "mails", "changes"),
    "deal": ("notes", "files", "changes"),
    "order": ("notes", "files", "mails", "changes"),
}
USUAL = ("notes", "changes")
MAILED = ("confirmation mailed", "order confirmation mailed")
SHOWN_OTHERWISE = ("note added", "file added")  # the note and the file are shown themselves


@dataclass(frozen=True, slots=True)
class TimelineItem:
    """One item of a timeline.

    Attributes:
        kind: One of the keys of ``WORDS``.
        at: When it happened; midnight for an order.
        row: The note, the order, the file, or the line of history.
        text: The sentence for a line of history; it may hold markup.
    """

    kind: str
    at: datetime
    row: Any
    text: str = ""

    @property
    def key(self) -> str:
        """A name that no other item of the page has."""
        return f"{'note' if self.kind == 'notes' else self.kind}-{self.row.id}"


@dataclass(frozen=True, slots=True)
class Timeline:
    """A page of a timeline.

    Attributes:
        items: Those of the page, newest first.
        kinds: What the record can have, for the links that filter.
        show: The chosen kind, or ``all``.
        older: The cursor of the page that follows; None on the last one.
        is_first: Whether the page begins with the newest.
        note_id: The note that the page was asked for; None if it was asked for none.
        has_lost_note: Whether that note was removed, or never was on this record.
    """

    items: Sequence[TimelineItem]
    kinds: Sequence[str]
    show: str
    older: str | None
    is_first: bool
    note_id: int | None = None
    has_lost_note: bool = False

    def has_note(self, note_id: int) -> bool:
        """Whether a note is on this page."""
        return any(item.kind == "notes" and item.row.id == note_id for item in self.items)

    @property
    def filters(self) -> list[tuple[str, str]]:
        """The values of ``show``, each with its word."""
        return [(kind, str(WORDS[kind])) for kind in (ALL, *self.kinds)]


async def read_timeline(
    session: AsyncSession, subject: Subject, *, show: str = "", before: str = ""
) -> Timeline:
    """Return a page of the timeline of a record, with one statement for each source.

    Args:
        session: The db session.
        subject: The record.
        show: One of its kinds; another value shows all.
        before: The cursor of an earlier page; a wrong one is ignored.
    """
    kinds = KINDS.get(subject.__tablename__, USUAL)
    show = show if show in kinds else ALL
    cursor = _parse(before)
    sources = [each for each in _SOURCES if show in (ALL, *each.kinds) and {*each.kinds} & {*kinds}]
    found: dict[str, list[TimelineItem]] = {}
    for source in sources:
        found[source.letter] = await source.read(session, subject, cursor.get(source.letter), show)
    merged = heapq.merge(*found.values(), key=lambda item: item.at, reverse=True)
    items: list[TimelineItem] = []
    taken = dict.fromkeys(found, 0)
    limits = {source.letter: source.limit(show) for source in sources}
    for item in merged:
        letter = _LETTERS[item.kind]
        taken[letter] += 1
        if _is_shown(item, show):
            items.append(item)
        # Behind the last row that was read of a source, the order of the others is not known.
        if len(items) == PAGE or taken[letter] == limits[letter]:
            break
    ends = {}
    for source in sources:
        rows, count = found[source.letter], taken[source.letter]
        if count == len(rows) < limits[source.letter]:
            ends[source.letter] = END
        elif count:
            ends[source.letter] = source.position(rows[count - 1].row)
        elif source.letter in cursor:
            ends[source.letter] = cursor[source.letter]
    is_last = all(ends.get(source.letter) == END for source in sources)
    return Timeline(
        await _worded(session, items),
        kinds,
        show,
        None if is_last else ".".join(letter + ends[letter] for letter in sorted(ends)),
        is_first=not cursor,
    )


async def read_timeline_at(session: AsyncSession, subject: Subject, *, note_id: int) -> Timeline:
    """Return the page of a timeline that shows a note, whatever filter the reader has chosen.

    It is the newest page if the note is there, and otherwise one that begins a few items above
    the note. If the note is lost, it is the newest page, and says so.

    Args:
        session: The db session.
        subject: The record.
        note_id: The note that a link leads to.
    """
    newest = await read_timeline(session, subject)
    if newest.has_note(note_id):
        return replace(newest, note_id=note_id)
    statement = select(Note).where(
        Note.id == note_id,
        Note.subject_type == subject.__tablename__,
        Note.subject_id == subject.id,
        Note.removed_at.is_(None),
    )
    note = await session.scalar(statement)
    if note is None:
        return replace(newest, note_id=note_id, has_lost_note=True)
    page = await read_timeline(session, subject, before=await _cursor_at(session, subject, note))
    if not page.has_note(note_id):
        # Imported notes may be older than those before them, so that much else comes before one.
        page = await read_timeline(session, subject, show="notes", before=f"n{note_id + 1}")
    return replace(page, note_id=note_id)


async def _cursor_at(session: AsyncSession, subject: Subject, note: Note) -> str:
    """Return the cursor of the page that begins a few items above a note."""
    kinds = {*KINDS.get(subject.__tablename__, USUAL)}
    sources = [source for source in _SOURCES if {*source.kinds} & kinds]
    found: dict[str, list[TimelineItem]] = {}
    for source in sources:
        statement = source.newer(subject, note).limit(NEWER + 1)
        found[source.letter] = [source.item(row) for row in await session.scalars(statement)]
    taken = dict.fromkeys(found, 0)
    nearest = heapq.merge(*found.values(), key=lambda item: item.at)
    for item in islice(nearest, NEWER):
        taken[_LETTERS[item.kind]] += 1
    return ".".join(
        source.letter + source.position(rows[taken[source.letter]].row)
        for source in sources
        if len(rows := found[source.letter]) > taken[source.letter]
    )


def _is_shown(item: TimelineItem, show: str) -> bool:
    if item.kind == "notes" and item.row.removed_at is not None:
        return False
    if isinstance(item.row, Activity) and item.row.action in SHOWN_OTHERWISE:
        return False
    return show in (ALL, item.kind)


async def _worded(session: AsyncSession, items: list[TimelineItem]) -> list[TimelineItem]:
    lines = [item.row for item in items if isinstance(item.row, Activity)]
    texts = dict(zip(lines, await in_words(session, lines), strict=True))
    return [
        TimelineItem(item.kind, item.at, item.row, texts[item.row].text)
        if item.row in texts
        else item
        for item in items
    ]


END = "0"  # the position of a source of which nothing is left; ids begin at 1


@dataclass(frozen=True, slots=True)
class _Source:
    """A table that items come from. Its letter names it in the cursor."""

    letter: str
    kinds: tuple[str, ...]
    model: Any

    def limit(self, show: str) -> int:
        """Return how many rows are read for a page."""
        return MAX_READ if len(self.kinds) > 1 and show != ALL else PAGE + 1

    async def read(
        self, session: AsyncSession, subject: Subject, position: str | None, show: str
    ) -> list[TimelineItem]:
        """Return the next items, the newest first, those that are not shown included."""
        if position == END:
            return []
        statement = self.rows(subject, position).limit(self.limit(show))
        return [self.item(row) for row in await session.scalars(statement)]

    def rows(self, subject: Subject, position: str | None) -> Select[Any]:
        model = self.model
        id_ = row_id(position or "")
        later = [model.id < id_] if id_ else []
        user = Note.author if model is Note else Activity.actor
        return (
            select(model)
            .where(
                model.subject_type == subject.__tablename__,
                model.subject_id == subject.id,
                *later,
            )
            .order_by(model.id.desc())
            .options(joinedload(user).load_only(User.name))
        )

    def newer(self, subject: Subject, note: Note) -> Select[Any]:
        """Return the rows above a note, the nearest first."""
        rows = self.rows(subject, None).order_by(None)
        if self.model is Note:
            return rows.where(Note.id > note.id).order_by(Note.id)
        is_newer = Activity.at > note.created_at
        return rows.where(is_newer).order_by(Activity.at, Activity.id)

    def item(self, row: Any) -> TimelineItem:
        if self.model is Note:
            return TimelineItem("notes", row.created_at, row)
        return TimelineItem("mails" if row.action in MAILED else "changes", row.at, row)

    def position(self, row: Any) -> str:
        """Return the part of the cursor that leads to the rows behind one."""
        return str(row.id)


class _Files(_Source):
    def rows(self, subject: Subject, position: str | None) -> Select[Any]:
        id_ = row_id(position or "")
        later = [Attachment.id < id_] if id_ else []
        return (
            select(Attachment)
            .where(Attachment.belongs_to(subject.__tablename__, subject.id), *later)
            .order_by(Attachment.id.desc())
            .options(joinedload(Attachment.author).load_only(User.name))
        )

    def newer(self, subject: Subject, note: Note) -> Select[Any]:
        rows = self.rows(subject, None).where(Attachment.created_at > note.created_at)
        return rows.order_by(None).order_by(Attachment.created_at, Attachment.id)

    def item(self, row: Any) -> TimelineItem:
        return TimelineItem("files", row.created_at, row)


class _Orders(_Source):
    """Orders by their day, which is long past for those that were imported."""

    def rows(self, subject: Subject, position: str | None) -> Select[Any]:
        statement = (
            select(Order)
            .where(Order.account_id == subject.id)
            .order_by(Order.ordered_on.desc(), Order.id.desc())
            .options(
                load_only(
                    Order.number,
                    Order.state,
                    Order.net,
                    Order.currency,
                    Order.ordered_on,
                    Order.created_at,
                ),
                joinedload(Order.owner).load_only(User.name),
            )
        )
        day, id_ = _day_and_id(position)
        if day is None or id_ is None:
            return statement
        # The first condition lets MariaDB begin in the middle of the index.
        return statement.where(Order.ordered_on <= day, or_(Order.ordered_on < day, Order.id < id_))

    def newer(self, subject: Subject, note: Note) -> Select[Any]:
        at = note.created_at
        that_day = and_(Order.ordered_on == at.date(), Order.created_at > at)
        rows = self.rows(subject, None).where(or_(Order.ordered_on > at.date(), that_day))
        return rows.order_by(None).order_by(Order.ordered_on, Order.id)

    def item(self, row: Any) -> TimelineItem:
        is_new = row.created_at.date() == row.ordered_on
        midnight = datetime.combine(row.ordered_on, time.min, UTC)
        return TimelineItem("orders", row.created_at if is_new else midnight, row)

    def position(self, row: Any) -> str:
        return f"{row.ordered_on.isoformat()}_{row.id}"


_SOURCES: tuple[_Source, ...] = (
    _Source("n", ("notes",), Note),
    _Orders("o", ("orders",), Order),
    _Files("f", ("files",), Attachment),
    _Source("a", ("mails", "changes"), Activity),
)
_LETTERS = {kind: source.letter for source in _SOURCES for kind in source.kinds}


def _parse(cursor: str) -> dict[str, str]:
    parts = {part[:1]: part[1:] for part in cursor.split(".") if part[1:]}
    found = {}
    for source in _SOURCES:
        position = parts.get(source.letter, "")
        is_order = source.letter == "o" and None not in _day_and_id(position)
        if position == END or row_id(position) is not None or is_order:
            found[source.letter] = position
    return found


def _day_and_id(position: str | None) -> tuple[date | None, int | None]:
    day, _, id_ = (position or "").partition("_")
    try:
        return date.fromisoformat(day), row_id(id_)
    except ValueError:
        return None, None
