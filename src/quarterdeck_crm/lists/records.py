"""The lists of records, and how their query arguments are read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.babel import gettext as _
from quarterdeck_crm.accounts import services as accounts
from quarterdeck_crm.deals import queries as deals
from quarterdeck_crm.errors import Errors, ValidationError
from quarterdeck_crm.extras.filters import take_field
from quarterdeck_crm.goods import services as goods
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import (
    Account,
    Deal,
    Good,
    Order,
    OrderState,
    Person,
    Priority,
    StageKind,
    Task,
    User,
)
from quarterdeck_crm.orders import services as orders
from quarterdeck_crm.orders.filters import RANGES as ORDER_RANGES
from quarterdeck_crm.people import services as people
from quarterdeck_crm.search.filters import Ranges, open_panel
from quarterdeck_crm.tasks import queries as tasks

from .filters import FLAG, NUMBER, USER, Choices

# Arguments of a page that no filter is: they do not change which records are found.
OF_PAGES = ("page", "per_page", "after", "before", "columns", "view")


@dataclass(frozen=True, slots=True)
class RecordList:
    """A list of records.

    Attributes:
        page: The name of its blueprint.
        model: That of its records.
        find: Returns a page of the list.
        sorts: The keys that it can be sorted by.
        default: The order when none is asked for.
        filters: The names of its filters.
        ranges: Those among them.
        choices: What others among them can be; the services read the rest themselves.
        records: Those by a record that may be named in words.
        whole: By the sorts whose pages have no cursors: returns the ids of the whole list.
    """

    page: str
    model: type[Any]
    find: Callable[..., Awaitable[Any]]
    sorts: Mapping[str, Any]
    default: str
    filters: tuple[str, ...]
    ranges: Ranges
    choices: Mapping[str, Choices]
    records: tuple[str, ...] = ()
    whole: Mapping[str, Callable[..., Awaitable[Sequence[int]]]] = field(default_factory=dict)

    async def read(self, session: AsyncSession, args: Mapping[str, str]) -> Listing:
        """Return the list that query arguments mean, as its page reads them.

        Filters that cannot be read are dropped.
        """
        listing = self._listing(args)
        await open_panel(session, listing, self.ranges, records=self.records)
        if "field" in self.filters:
            await take_field(session, listing, self.model.__tablename__)
        return listing

    async def require(
        self, session: AsyncSession, args: Mapping[str, str], *, actor: User | None
    ) -> Listing:
        """Return the list that query arguments mean, and refuse those that cannot be read.

        Args:
            session: The db session.
            args: The query arguments; those of ``OF_PAGES`` have no effect.
            actor: The user that ``me`` means; None if that is nobody.

        Raises:
            ValidationError: With the problems of all arguments at once.
        """
        listing = self._listing(args)
        problems: Errors = {}
        for name, value in args.items():
            if problem := self._problem(name, value, actor):
                problems[name] = [problem]
        for each in self.ranges:
            problems |= each.read(listing.filters)[1]
        # Replaces the words for a record by its id.
        panel = await open_panel(session, listing, records=self.records)
        problems |= {each.name: [each.problem] for each in panel.records if each.problem}
        if problems:
            raise ValidationError(problems)
        # The services refuse a custom field that cannot be read.
        first = replace(listing, page=1, per_page=1, after=None, before=None, is_counted=False)
        await self.find(session, listing=first, actor=actor)
        return listing

    def _listing(self, args: Mapping[str, str]) -> Listing:
        return Listing.from_args(args, sorts=self.sorts, default=self.default, filters=self.filters)

    def _problem(self, name: str, value: str, actor: User | None) -> str | None:
        if not value or name == "q" or name in OF_PAGES:
            return None
        if name == "sort":
            return Choices(tuple(self.sorts)).problem(value.removeprefix("-"))
        if name not in self.filters:
            text = _("There is no filter '%(name)s'. Choose from: %(names)s.")
            return text % {"name": name, "names": ", ".join(self.filters)}
        if value == "me" and actor is None and "me" in self.choices.get(name, FLAG).words:
            return _("'me' needs a user.")
        return self.choices[name].problem(value) if name in self.choices else None


async def _find_goods(session: AsyncSession, *, listing: Listing, actor: User | None = None) -> Any:
    return await goods.list_goods(session, listing=listing)


LISTS: dict[str, RecordList] = {
    each.page: each
    for each in (
        RecordList(
            "accounts",
            Account,
            accounts.list_accounts,
            accounts.SORTS,
            "name",
            accounts.FILTERS,
            accounts.RANGES,
            {"owner": USER, "archived": FLAG, "idle": NUMBER, "tag": NUMBER},
            whole={"orders": accounts.list_account_ids},
        ),
        RecordList(
            "people",
            Person,
            people.list_people,
            people.SORTS,
            "name",
            people.FILTERS,
            people.RANGES,
            {"contact": Choices(("yes", "no")), "archived": FLAG, "tag": NUMBER},
            records=("account",),
        ),
        RecordList(
            "goods",
            Good,
            _find_goods,
            goods.SORTS,
            "name",
            goods.FILTERS,
            goods.RANGES,
            {"stock": Choices(("some", "none")), "archived": FLAG, "tag": NUMBER},
        ),
        RecordList(
            "orders",
            Order,
            orders.list_orders,
            orders.SORTS,
            "-date",
            orders.FILTERS,
            ORDER_RANGES,
            {"state": Choices((*orders.STATES, *OrderState)), "owner": USER, "tag": NUMBER},
            records=("account",),
        ),
        RecordList(
            "deals",
            Deal,
            deals.list_deals,
            deals.SORTS,
            "expected",
            deals.FILTERS,
            deals.RANGES,
            {
                "state": Choices(tuple(StageKind)),
                "stage": NUMBER,
                "owner": USER,
                "late": FLAG,
                "tag": NUMBER,
            },
            records=("account", "person"),
        ),
        RecordList(
            "tasks",
            Task,
            tasks.list_tasks,
            tasks.SORTS,
            "due",
            tasks.FILTERS,
            tasks.RANGES,
            {
                "state": Choices(tasks.STATES),
                "assignee": USER,
                "priority": Choices(tuple(each.name.lower() for each in Priority)),
                "due": Choices(tasks.DUE),
                "contact": NUMBER,
                "order": NUMBER,
                "deal": NUMBER,
            },
            records=("account", "person"),
        ),
    )
}
