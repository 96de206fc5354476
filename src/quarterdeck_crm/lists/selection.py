"""All records of a list in its order, read in pieces."""

from __future__ import annotations

import re
from array import array
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck_crm.errors import NotFoundError, ValidationError
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import User
from quarterdeck_crm.saved_views.services import arguments_of, get_view
from quarterdeck_crm.validation.numbers import row_id

from .records import OF_PAGES, RecordList

MAX_SLUG = 80


@dataclass(frozen=True, slots=True)
class Selection:
    """The records of a list that query arguments mean; see ``select_records``.

    Attributes:
        records: The list.
        listing: Its search, filters and order.
        actor_id: The user whose list it is; None is the system.
    """

    records: RecordList
    listing: Listing
    actor_id: int | None

    @property
    def arguments(self) -> str:
        """The search, the filters and the order, as in the address of the page."""
        return urlencode(self.listing.args(page=None, per_page=None, view=None))

    @property
    def slug(self) -> str:
        """The search and the filters as a part of the name of a file; ``list`` without any."""
        used = {"": self.listing.q} | self.listing.filters
        text = " ".join(f"{name} {value}" for name, value in used.items())
        words = re.findall(r"[a-z0-9]+", text.lower())
        return "-".join(words)[:MAX_SLUG].rstrip("-") or "list"

    async def pieces(self, session: AsyncSession, size: int) -> AsyncIterator[Sequence[int]]:
        """Yield the ids of the records, up to ``size`` at a time.

        Each piece begins behind the last record of the one before, so that none is skipped or
        repeated when others come or go. The caller ends the transaction of each piece.
        """
        actor = None if self.actor_id is None else await session.get(User, self.actor_id)
        if read_whole := self.records.whole.get(self.listing.sort):
            ids = array("q", await read_whole(session, listing=self.listing, actor=actor))
            for start in range(0, len(ids), size):
                yield ids[start : start + size]
            return
        place = replace(self.listing, page=1, per_page=size, is_counted=False)
        place = replace(place, after=None, before=None)
        while True:
            page = await self.records.find(session, listing=place, actor=actor)
            yield [row.id for row in page.items]
            if not page.has_next:
                return
            place = replace(place, page=place.page + 1, after=page.after)


async def select_records(
    session: AsyncSession, records: RecordList, args: Mapping[str, str], *, actor: User | None
) -> Selection:
    """Return the records of a list that query arguments mean.

    Args:
        session: The db session.
        records: The list.
        args: The query arguments of its page. ``view`` alone opens a saved view.
        actor: The user whose list it is; None is the system.

    Raises:
        NotFoundError: If the actor sees no such view.
        ValidationError: If an argument is unknown or cannot be read.
    """
    if args.get("view") and args.keys() <= set(OF_PAGES):
        if actor is None:
            raise ValidationError({"view": [_("A saved view needs a user.")]})
        view = await get_view(session, view_id=row_id(args["view"]) or 0, actor=actor)
        if view.page != records.page:
            raise NotFoundError(_("There is no such view. It may have been deleted."))
        args = arguments_of(view)
    listing = await records.require(session, args, actor=actor)
    return Selection(records, listing, None if actor is None else actor.id)
