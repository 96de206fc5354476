"""Rules and queries of tags. ``actor`` is the user that acts; None is the system.

Users that may edit a record choose its tags, and add new ones by typing a name. Administrators
rename, merge and remove tags.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, insert, literal, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.exc import StaleDataError

from quarterdeck.babel import gettext as _
from quarterdeck_crm.audit.recording import record_audit
from quarterdeck_crm.errors import ConflictError, NotFoundError
from quarterdeck_crm.history.recording import assign
from quarterdeck_crm.models import AuditAction, RecordTag, Role, Tag, TagColour, User
from quarterdeck_crm.models.collation import unique_key
from quarterdeck_crm.models.rows import read_row
from quarterdeck_crm.models.tag import TAG_LENGTH
from quarterdeck_crm.permissions import require_role
from quarterdeck_crm.search.saved_filters import follow_in_views
from quarterdeck_crm.validation import Problems, fit_text

MAX_TAGS = 300  # in the CRM
MAX_TAGS_OF_RECORD = 20
TAG_EDITOR = Role.ADMIN


async def list_tags(session: AsyncSession) -> Sequence[Tag]:
    """Return all tags in the order of their names."""
    return (await session.scalars(select(Tag).order_by(Tag.name_key).limit(MAX_TAGS))).all()


async def count_uses(session: AsyncSession) -> Mapping[int, Mapping[str, int]]:
    """Return how many records of each kind have a tag, by its id; zero is left out."""
    counted = select(RecordTag.tag_id, RecordTag.kind, func.count())
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for tag_id, kind, count in await session.execute(
        counted.group_by(RecordTag.tag_id, RecordTag.kind)
    ):
        found[tag_id][kind] = count
    return found


async def count_among(session: AsyncSession, *, kind: str, ids: Sequence[int]) -> Mapping[int, int]:
    """Return how many of some records of a kind have each tag, by its id; zero is left out."""
    counted = select(RecordTag.tag_id, func.count()).where(
        RecordTag.kind == kind, RecordTag.record_id.in_(ids)
    )
    return dict((await session.execute(counted.group_by(RecordTag.tag_id))).all())


async def get_tag(session: AsyncSession, *, tag_id: int) -> Tag:
    """Return a tag as it is now.

    Raises:
        NotFoundError: If there is none of that id.
    """
    problem = _("There is no such tag. It may have been removed.")
    return await read_row(session, Tag, tag_id, problem)


async def create_tag(
    session: AsyncSession, *, actor: User | None, values: Mapping[str, Any]
) -> Tag:
    """Add a tag.

    Raises:
        ForbiddenError: If the actor is no administrator.
        ValidationError: If a value cannot be accepted.
    """
    require_role(actor, TAG_EDITOR)
    tag = Tag(**await check_tag(session, values=values))
    session.add(tag)
    await _flush(session)
    return tag


async def update_tag(
    session: AsyncSession, *, actor: User | None, tag: Tag, values: Mapping[str, Any], version: int
) -> Tag:
    """Rename a tag or give it another colour; its records keep it.

    Raises:
        ConflictError: If another save came after ``version``.
        ForbiddenError: If the actor is no administrator.
        ValidationError: If a value cannot be accepted.
    """
    require_role(actor, TAG_EDITOR)
    if tag.version != version:
        raise ConflictError(_changed())
    changes = assign(tag, await check_tag(session, values=values, tag=tag))
    await _flush(session)
    if changes:
        await _audit(session, AuditAction.TAG_CHANGED, actor=actor, name=tag.name, detail=changes)
    return tag


async def merge_tags(session: AsyncSession, *, actor: User | None, tag: Tag, into_id: int) -> Tag:
    """Give the records of a tag another tag instead, remove the first, and return the other.

    Saved views that filter by the first filter by the other.

    Raises:
        ForbiddenError: If the actor is no administrator.
        NotFoundError: If one of the two is gone, or it is the same tag.
    """
    require_role(actor, TAG_EDITOR)
    # Locked in one order, so that two merges of the same tags wait for each other.
    both = select(Tag).where(Tag.id.in_((tag.id, into_id))).order_by(Tag.id).with_for_update()
    await session.scalars(both.execution_options(populate_existing=True))
    await get_tag(session, tag_id=tag.id)
    into = await get_tag(session, tag_id=into_id)
    if into is tag:
        raise NotFoundError(_("Choose another tag to merge into."))
    other = select(RecordTag.kind, RecordTag.record_id).where(RecordTag.tag_id == into.id)
    has_other = other.subquery()
    moved = (
        select(RecordTag.kind, RecordTag.record_id, literal(into.id))
        .outerjoin(
            has_other,
            (has_other.c.kind == RecordTag.kind) & (has_other.c.record_id == RecordTag.record_id),
        )
        .where(RecordTag.tag_id == tag.id, has_other.c.record_id.is_(None))
    )
    await session.execute(
        insert(RecordTag).from_select(
            ["kind", "record_id", "tag_id"], moved, include_defaults=False
        )
    )
    await follow_in_views(session, "tag", {tag.id: into.id})
    await _remove(session, tag)
    detail = {"into": into.name}
    await _audit(session, AuditAction.TAG_MERGED, actor=actor, name=tag.name, detail=detail)
    return into


async def remove_tag(session: AsyncSession, *, actor: User | None, tag: Tag) -> None:
    """Take a tag from all its records and remove it.

    Raises:
        ForbiddenError: If the actor is no administrator.
    """
    require_role(actor, TAG_EDITOR)
    await _remove(session, tag)
    await _audit(session, AuditAction.DELETED, actor=actor, name=tag.name)


async def check_tag(
    session: AsyncSession, *, values: Mapping[str, Any], tag: Tag | None = None
) -> dict[str, Any]:
    """Return the name and the colour that a tag can have.

    Raises:
        ValidationError: With the problems of all values at once.
    """
    problems = Problems()
    cleaned = problems.clean(Tag, values, fields=("name",), complete=tag is None, row=tag)
    if name := cleaned.get("name"):
        with problems.collected("name"):
            cleaned["name"] = name = clean_name(name)
        if "name" not in problems.errors:
            key = unique_key(name, TAG_LENGTH)
            taken = await session.scalar(select(Tag.id).where(Tag.name_key == key))
            if taken is not None and (tag is None or taken != tag.id):
                problems.add("name", _("Another tag has this name. Merge the two instead."))
    if "colour" in values:
        with problems.collected("colour"):
            cleaned["colour"] = _colour(values["colour"])
    if tag is None:
        await require_room(session, problems, "name", 1)
    problems.raise_if_any()
    return cleaned


async def require_room(session: AsyncSession, problems: Problems, field: str, new: int) -> None:
    """Keep a problem if there would be more than ``MAX_TAGS``."""
    present = await session.scalar(select(func.count()).select_from(Tag)) or 0
    if present + new > MAX_TAGS:
        problems.add(
            field, _("There can be at most %(count)s tags. Use one of them.", count=MAX_TAGS)
        )


def clean_name(text: str) -> str:
    """Return the name of a tag: one line without commas, which separate names.

    Raises:
        ValueError: If a tag cannot have this name.
    """
    name = " ".join(fit_text(Tag.name.expression, text).split())
    if "," in name:
        raise ValueError(_("The name of a tag cannot contain a comma."))
    return name


def names_in(value: str | Iterable[str] | None) -> list[str]:
    """Return the names of a text, which commas separate, or of a list, each once and in order.

    Raises:
        ValueError: If a tag cannot have one of the names.
    """
    parts = value.split(",") if isinstance(value, str) else value or ()
    names = [clean_name(part) for part in parts if part.strip()]
    found = {unique_key(name, TAG_LENGTH): name for name in reversed(names)}
    if len(found) > MAX_TAGS_OF_RECORD:
        raise ValueError(_("A record can have at most %(count)s tags.", count=MAX_TAGS_OF_RECORD))
    return [found[key] for key in sorted(found)]


def as_text(names: Iterable[str]) -> str:
    """Return names as files and forms write them."""
    return ", ".join(names)


def _colour(value: Any) -> TagColour:
    try:
        return TagColour(value)
    except ValueError:
        raise ValueError(_("Choose one of the colours.")) from None


async def _remove(session: AsyncSession, tag: Tag) -> None:
    await session.execute(delete(RecordTag).where(RecordTag.tag_id == tag.id))
    await session.delete(tag)
    await _flush(session)


async def _audit(
    session: AsyncSession,
    action: AuditAction,
    *,
    actor: User | None,
    name: str,
    detail: Mapping[str, Any] | None = None,
) -> None:
    await record_audit(session, action, actor=actor, subject=f"tag {name}", detail=detail)


async def _flush(session: AsyncSession) -> None:
    try:
        await session.flush()
    except (StaleDataError, IntegrityError):
        raise ConflictError(_changed()) from None


def _changed() -> str:
    return _("Another user changed this tag at the same moment. Reload the page and try again.")
