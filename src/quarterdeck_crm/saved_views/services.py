"""Rules and queries of saved views. Users keep their own; moderators also share views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from msgspec import Struct
from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck_crm.audit.recording import record_audit
from quarterdeck_crm.cache.entries import cached
from quarterdeck_crm.errors import ForbiddenError, NotFoundError, ValidationError
from quarterdeck_crm.events.announcements import announce_view
from quarterdeck_crm.history.recording import assign, flush, require_version
from quarterdeck_crm.models import AuditAction, Role, SavedView, User
from quarterdeck_crm.models.collation import same_key
from quarterdeck_crm.models.saved_view import MAX_ARGUMENTS
from quarterdeck_crm.validation import Problems
from quarterdeck_crm.validation.numbers import MAX_INTEGER

PAGES = ("accounts", "deals", "goods", "orders", "people", "tasks")
SHARER = Role.MODERATOR  # may share views, and change shared ones
MAX_VIEWS = 50  # of a user in a list
MAX_SHOWN = 100  # of a list: those of the user and the shared ones
NO_ARGUMENTS = ("page", "view", "after", "before")  # belong to a moment, not to a view


class ViewRow(Struct, frozen=True):
    """A view that nobody changes, as opposed to ``SavedView``."""

    id: int
    version: int
    page: str
    owner_id: int
    name: str
    arguments: str
    is_shared: bool
    position: int


COLUMNS = [getattr(SavedView, name) for name in ViewRow.__struct_fields__]


async def list_views(session: AsyncSession, *, page: str, actor: User) -> Sequence[ViewRow]:
    """Return the views of a list that a user sees: shared ones and the user's own."""

    async def load(session: AsyncSession) -> Sequence[ViewRow]:
        visible = or_(SavedView.is_shared, SavedView.owner_id == actor.id)
        statement = (
            select(*COLUMNS)
            .where(SavedView.page == page, visible)
            .order_by(SavedView.is_shared.desc(), SavedView.position, SavedView.id)
            .limit(MAX_SHOWN)
        )
        return [ViewRow(*row) for row in await session.execute(statement)]

    return await cached(session, ("views", page, actor.id), load)


async def list_shared_names(session: AsyncSession, *, owner: User, limit: int) -> Sequence[str]:
    """Return the names of some views that a user shares."""
    shared = select(SavedView.name).where(SavedView.owner_id == owner.id, SavedView.is_shared)
    return (await session.scalars(shared.order_by(SavedView.name).limit(limit))).all()


async def get_view(session: AsyncSession, *, view_id: int, actor: User) -> SavedView:
    """Return a view that the user sees.

    Raises:
        NotFoundError: If there is none of that id, or it belongs to another user.
    """
    view = await session.get(SavedView, view_id, populate_existing=True)
    if view is None or not (view.is_shared or view.owner_id == actor.id):
        raise NotFoundError(_("There is no such view. It may have been deleted."))
    return view


def require_page(page: str) -> None:
    """Refuse views of anything but a list.

    Raises:
        NotFoundError: If ``page`` is none of ``PAGES``.
    """
    if page not in PAGES:
        raise NotFoundError(_("There is no such list."))


async def create_view(
    session: AsyncSession, *, actor: User, page: str, values: Mapping[str, Any]
) -> SavedView:
    """Save a view of a list, behind the others.

    Args:
        session: The db session.
        actor: Its owner.
        page: The list, one of ``PAGES``.
        values: ``name``, ``arguments`` and ``is_shared``.

    Raises:
        ForbiddenError: If it is to be shared by a user that may not.
        ValidationError: If a value cannot be accepted, or another view has the name.
    """
    require_page(page)
    cleaned = check_view(values)
    _require_share(actor, cleaned["is_shared"])
    mine = SavedView.owner_id == actor.id, SavedView.page == page
    number, last = (
        await session.execute(select(func.count(), func.max(SavedView.position)).where(*mine))
    ).one()
    if number >= MAX_VIEWS:
        problems = Problems()
        problems.add(
            "name", _("You have %(number)s views of this list. Delete one first.", number=number)
        )
        problems.raise_if_any()
    await _require_free_name(
        session, page=page, name=cleaned["name"], owner_id=actor.id, is_shared=cleaned["is_shared"]
    )
    position = min((last or 0) + 1, MAX_INTEGER)
    view = SavedView(page=page, owner_id=actor.id, position=position, **cleaned)
    session.add(view)
    await session.flush()
    if view.is_shared:
        await _tell(session, view, actor=actor, audit=AuditAction.VIEW_SHARED, action="created")
    return view


async def update_view(
    session: AsyncSession, *, actor: User, view: SavedView, values: Mapping[str, Any], version: int
) -> None:
    """Change a view that was read at ``version``; values not given stay.

    Raises:
        ForbiddenError: If the actor may not change it.
        StaleError: If another save came after that version.
        ValidationError: If a value cannot be accepted, or another view has the name.
    """
    require_change(actor, view)
    require_version(view, version)
    cleaned = check_view(values, view=view)
    if cleaned.get("is_shared", view.is_shared) != view.is_shared:
        _require_share(actor, is_shared=True)
    was_shared = view.is_shared
    if any(cleaned.get(name, now) != now for name, now in _named(view).items()):
        named = _named(view) | {name: cleaned[name] for name in _named(view) if name in cleaned}
        await _require_free_name(
            session, page=view.page, owner_id=view.owner_id, view_id=view.id, **named
        )
    changes = assign(view, cleaned)
    await flush(session, view)
    if changes and (view.is_shared or was_shared):
        is_new = not was_shared
        audit = AuditAction.VIEW_SHARED if is_new else AuditAction.VIEW_CHANGED
        await _tell(session, view, actor=actor, audit=audit, action="changed", detail=changes)


async def delete_view(session: AsyncSession, *, actor: User, view: SavedView) -> None:
    """Delete a view; the records that it shows stay.

    Raises:
        ForbiddenError: If the actor may not change it.
    """
    require_change(actor, view)
    await session.delete(view)
    await flush(session, view)
    if view.is_shared:
        await _tell(session, view, actor=actor, audit=AuditAction.DELETED, action="deleted")


async def _tell(
    session: AsyncSession,
    view: SavedView,
    *,
    actor: User,
    audit: AuditAction,
    action: str,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Record a change of a view that other users see, and announce it to their open lists."""
    subject = f"{view.page} view {view.name}"
    await record_audit(session, audit, actor=actor, subject=subject, detail=detail)
    announce_view(session, view, actor=actor, action=action)


async def _require_free_name(
    session: AsyncSession,
    *,
    page: str,
    name: str,
    owner_id: int,
    is_shared: bool,
    view_id: int | None = None,
) -> None:
    """Refuse the name of another shared view, or of another one that only the owner sees.

    Raises:
        ValidationError: If there is such a view of the list.
    """
    # Views get their names one after the other: shared ones wait at the row of the first user.
    place = select(func.min(User.id)).scalar_subquery() if is_shared else owner_id
    await session.execute(select(User.id).where(User.id == place).with_for_update())
    beside = SavedView.is_shared if is_shared else SavedView.owner_id == owner_id
    names = select(SavedView.name).where(SavedView.page == page, beside)
    if not is_shared:
        names = names.where(~SavedView.is_shared)
    if view_id is not None:
        names = names.where(SavedView.id != view_id)
    taken = {same_key(each) for each in await session.scalars(names)}
    if same_key(name) in taken:
        problem = _("Another view of this list has this name.")
        if is_shared:
            problem = _("Another shared view of this list has this name.")
        raise ValidationError({"name": [problem]})


def _named(view: SavedView) -> dict[str, Any]:
    return {"name": view.name, "is_shared": view.is_shared}


def check_view(values: Mapping[str, Any], *, view: SavedView | None = None) -> dict[str, Any]:
    """Return values that a view can have.

    Raises:
        ValidationError: With the problems of all values at once.
    """
    problems = Problems()
    fields = ("name", "position")
    cleaned = problems.clean(SavedView, values, fields=fields, complete=view is None, row=view)
    if view is None:
        cleaned.pop("position", None)
    if "arguments" in values:
        with problems.collected("arguments"):
            cleaned["arguments"] = _fit_arguments(str(values["arguments"]))
    if view is None or "is_shared" in values:
        cleaned["is_shared"] = bool(values.get("is_shared"))
    problems.raise_if_any()
    return cleaned


def may_change(actor: User, view: SavedView | ViewRow) -> bool:
    """Whether a user may change a view: its owner may, and a sharer if it is shared."""
    return view.owner_id == actor.id or (view.is_shared and actor.has_role(SHARER))


def require_change(actor: User, view: SavedView) -> None:
    """Refuse changes that ``may_change`` does not allow.

    Raises:
        ForbiddenError: If the view belongs to another user.
    """
    if not may_change(actor, view):
        raise ForbiddenError(_("This view is shared by another user. Save it as a new one."))


def arguments_of(view: SavedView | ViewRow) -> dict[str, str]:
    """Return the query arguments of a view."""
    return dict(parse_qsl(view.arguments))


def _require_share(actor: User, is_shared: bool) -> None:
    if is_shared and not actor.has_role(SHARER):
        raise ForbiddenError(_("Only moderators and administrators can share views."))


def _fit_arguments(text: str) -> str:
    """Return query arguments as they are stored: without those of a moment, each name once."""
    if len(text) > MAX_ARGUMENTS:
        raise ValueError(_("This view has too many filters."))
    pairs = dict(parse_qsl(text.lstrip("?")))
    kept = {name: value for name, value in pairs.items() if name not in NO_ARGUMENTS}
    if not all(part.isprintable() for pair in kept.items() for part in pair):
        raise ValueError(_("Remove the control characters from the filters."))
    if len(encoded := urlencode(kept)) > MAX_ARGUMENTS:
        raise ValueError(_("This view has too many filters."))
    return encoded
