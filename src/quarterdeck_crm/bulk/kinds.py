"""The lists whose records can be changed together, and the actions of each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from quarterdeck.babel import gettext as _
from quarterdeck_crm.accounts import services as accounts
from quarterdeck_crm.deals import queries as deals
from quarterdeck_crm.errors import NotFoundError
from quarterdeck_crm.extras.filters import take_field
from quarterdeck_crm.goods import services as goods
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import (
    Account,
    Contact,
    Deal,
    Good,
    Order,
    OrderLine,
    OrderState,
    Person,
    Role,
    Task,
    User,
)
from quarterdeck_crm.orders import services as orders
from quarterdeck_crm.orders.filters import RANGES as ORDER_RANGES
from quarterdeck_crm.orders.stock import plan_confirmations
from quarterdeck_crm.people import services as people
from quarterdeck_crm.search.filters import Ranges, open_panel
from quarterdeck_crm.tasks import queries as tasks

from . import changes
from .changes import Changed

Change = Callable[[AsyncSession, User | None, int, str | None], Awaitable[Changed | None]]


@dataclass(frozen=True, slots=True)
class Action:
    """What is done to each record.

    Attributes:
        label: The words of the choice and of the button.
        change: Does it to one record.
        check: Refuses what a preview can know, by a domain error.
        needs: The entry that it needs: ``owner``, ``stage``, ``tag``, ``present tag`` (one that
            a selected record has), ``field`` (the key of a custom field and a value) or none.
        check_together: Returns the refusals, by id, of records that pass ``check`` one by one.
    """

    label: str
    change: Change
    check: Callable[[User, Any], None]
    needs: str | None = None
    check_together: Callable[[Sequence[Any]], Mapping[int, str]] | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """The records of a list.

    Attributes:
        page: The name of its blueprint.
        find: Returns a page of the list.
        rows: Loads the records of a preview, with what their checks look at.
        name: The attribute that names a record.
        least: The role that the actions need.
    """

    page: str
    find: Callable[..., Awaitable[Any]]
    sorts: Mapping[str, Any]
    filters: tuple[str, ...]
    ranges: Ranges
    rows: Select[Any]
    model: type[Any]
    name: str
    default: str
    actions: Mapping[str, Action]
    has_account: bool = False
    least: Role = Role.USER

    async def select(
        self, session: AsyncSession, args: Mapping[str, str], *, actor: User, most: int | None
    ) -> tuple[list[int], bool]:
        """Return the ids of a page of the list, or of the whole list up to ``most``.

        Returns:
            The ids in the order of the list, and whether there are more.
        """
        listing = Listing.from_args(
            args, sorts=self.sorts, default=self.default, filters=self.filters
        )
        # As the page reads them: entries that it cannot read do not filter.
        await open_panel(session, listing, self.ranges, account=self.has_account)
        if "field" in self.filters:
            await take_field(session, listing, self.model.__tablename__)
        if most is not None:
            listing = replace(listing, page=1, per_page=most, after=None, before=None)
        page = await self.find(session, listing=listing, actor=actor)
        return [row.id for row in page.items], bool(page.has_next)

    async def load(self, session: AsyncSession, ids: Sequence[int]) -> list[Any]:
        """Return the records that are still there, in the order of ``ids``."""
        statement = self.rows.where(self.model.id.in_(ids))
        found = {row.id: row for row in await session.scalars(statement)}
        return [found[id_] for id_ in ids if id_ in found]


async def _find_goods(session: AsyncSession, *, listing: Listing, actor: User) -> Any:
    return await goods.list_goods(session, listing=listing)


def _step(label: str, target: OrderState) -> Action:
    return Action(label, changes.moving_order(target), changes.may_move_order(target))


def _extras(table: str, check: Callable[[User, Any], None]) -> dict[str, Action]:
    return {
        "tag": Action(_l("Add a tag"), changes.tagging(table, has=True), check, "tag"),
        "untag": Action(
            _l("Remove a tag"), changes.tagging(table, has=False), check, "present tag"
        ),
        "field": Action(_l("Set a custom field"), changes.setting_field(table), check, "field"),
    }


GIVE = _l("Change the owner")
ARCHIVE = _l("Archive")
KINDS: dict[str, Kind] = {
    kind.page: kind
    for kind in (
        Kind(
            "accounts",
            accounts.list_accounts,
            accounts.SORTS,
            accounts.FILTERS,
            accounts.RANGES,
            select(Account),
            Account,
            "name",
            "name",
            {
                "owner": Action(GIVE, changes.give_account, changes.may_edit_row, "owner"),
                "archive": Action(ARCHIVE, changes.put_account_away, changes.may_edit_row),
            }
            | _extras("account", changes.may_edit_row),
        ),
        Kind(
            "people",
            people.list_people,
            people.SORTS,
            people.FILTERS,
            people.RANGES,
            select(Person).options(selectinload(Person.contacts).joinedload(Contact.account)),
            Person,
            "name",
            "name",
            {"archive": Action(ARCHIVE, changes.put_person_away, changes.may_edit_person)}
            | _extras("person", changes.may_edit_person),
            has_account=True,
        ),
        Kind(
            "goods",
            _find_goods,
            goods.SORTS,
            goods.FILTERS,
            goods.RANGES,
            select(Good),
            Good,
            "name",
            "name",
            {"archive": Action(ARCHIVE, changes.put_good_away, changes.may_keep_goods)}
            | _extras("good", changes.may_keep_goods),
            least=goods.KEEPER,
        ),
        Kind(
            "orders",
            orders.list_orders,
            orders.SORTS,
            orders.FILTERS,
            ORDER_RANGES,
            select(Order).options(selectinload(Order.lines).joinedload(OrderLine.good)),
            Order,
            "number",
            "-date",
            {
                "owner": Action(GIVE, changes.give_order, changes.may_assign_order, "owner"),
                "confirm": replace(
                    _step(_l("Confirm"), OrderState.CONFIRMED), check_together=plan_confirmations
                ),
                "ship": _step(_l("Mark as shipped"), OrderState.SHIPPED),
                "pay": _step(_l("Mark as paid"), OrderState.PAID),
                "cancel": _step(_l("Cancel the orders"), OrderState.CANCELLED),
            }
            | _extras("order", changes.may_edit_row),
            has_account=True,
        ),
        Kind(
            "deals",
            deals.list_deals,
            deals.SORTS,
            deals.FILTERS,
            deals.RANGES,
            select(Deal).options(joinedload(Deal.stage)),
            Deal,
            "name",
            "expected",
            {
                "owner": Action(GIVE, changes.give_deal, changes.may_edit_row, "owner"),
                "stage": Action(
                    _l("Take to another stage"), changes.take_deal, changes.may_move_deal, "stage"
                ),
            }
            | _extras("deal", changes.may_edit_row),
            has_account=True,
        ),
        Kind(
            "tasks",
            tasks.list_tasks,
            tasks.SORTS,
            tasks.FILTERS,
            tasks.RANGES,
            select(Task),
            Task,
            "title",
            "due",
            {
                "owner": Action(
                    _l("Change the assignee"), changes.give_task, changes.may_change_task, "owner"
                ),
                "done": Action(_l("Mark as done"), changes.finish_task, changes.may_change_task),
            },
            has_account=True,
        ),
    )
}


def get_kind(page: str) -> Kind:
    """Return the records of a list.

    Raises:
        NotFoundError: If nothing of this name can be changed together.
    """
    if page not in KINDS:
        raise NotFoundError(_("There is no such list."))
    return KINDS[page]


def kind_of_table(table: str) -> Kind:
    """Return the kind of the records of a table."""
    return next(kind for kind in KINDS.values() if kind.model.__tablename__ == table)


def actions_for(page: str, user: User) -> list[tuple[str, str]]:
    """Return name and words of the bulk actions that a list offers to a user."""
    kind = KINDS[page]
    if not user.role.includes(kind.least):
        return []
    return [(name, action.label) for name, action in kind.actions.items()]
