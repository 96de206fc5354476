"""Accounts, goods, orders and tasks for tests, made by the services themselves."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import date
from html.parser import HTMLParser
from typing import Any

from quart import Quart
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck.testing import recorded_statements
from quarterdeck_crm.accounts.services import create_account
from quarterdeck_crm.deals.services import create_deal
from quarterdeck_crm.deals.stages import make_usual_stages
from quarterdeck_crm.extensions import db
from quarterdeck_crm.goods.services import create_good, get_good
from quarterdeck_crm.history.recording import list_history
from quarterdeck_crm.models import (
    Account,
    Deal,
    Good,
    Order,
    OrderState,
    Person,
    SavedView,
    Task,
    User,
)
from quarterdeck_crm.orders.lines import LineEntry
from quarterdeck_crm.orders.services import get_order, move_order, place_order
from quarterdeck_crm.people.services import create_person
from quarterdeck_crm.tasks.services import create_task


class Trade:
    """Makes rows and reads them back, each call in a transaction of its own."""

    def __init__(self, app: Quart) -> None:
        self.app = app
        self._numbers = itertools.count(1)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """A transaction in an app context of its own, as a request has."""
        async with self.app.app_context(), db.transaction() as session:
            yield session

    async def account(self, *, actor: User | None = None, **values: Any) -> Account:
        values.setdefault("name", f"Account {next(self._numbers)}")
        async with self.session() as session:
            return await create_account(session, actor=actor, values=values)

    async def person(self, account: Account | None = None, **values: Any) -> Person:
        """Add a person, at an account if one is given."""
        values.setdefault("name", f"Person {next(self._numbers)}")
        if account is not None:
            values.setdefault("accounts", [{"account_id": account.id}])
        async with self.session() as session:
            return await create_person(session, actor=None, values=values)

    async def good(self, **values: Any) -> Good:
        number = next(self._numbers)
        usual = {"name": f"Good {number}", "code": f"G{number}", "price": "10", "stock": 100}
        async with self.session() as session:
            return await create_good(
                session, actor=None, values=usual | {"currency": "EUR"} | values
            )

    async def order(
        self,
        *lines: tuple[Good, int],
        account: Account | None = None,
        actor: User | None = None,
        state: OrderState = OrderState.DRAFT,
        number: str | None = None,
        **values: Any,
    ) -> Order:
        """Place an order of some goods, and take it to a state."""
        account = account or await self.account()
        usual = {"account_id": account.id, "currency": "EUR", "ordered_on": date(2026, 11, 21)}
        entries = [LineEntry(good.id, quantity) for good, quantity in lines]
        async with self.session() as session:
            order = await place_order(
                session, actor=actor, values=usual | values, lines=entries, number=number
            )
        for target in WAY[state]:
            await self.move(order, target)
        return await self.read(order)

    async def deal(
        self, *lines: tuple[Good, int], actor: User | None = None, **values: Any
    ) -> Deal:
        """Add a deal, and the usual stages if there are none."""
        if "account_id" not in values:
            values["account_id"] = (await self.account()).id
        usual = {"name": f"Deal {next(self._numbers)}", "currency": "EUR", "value": 0}
        entries = [LineEntry(good.id, quantity) for good, quantity in lines]
        async with self.session() as session:
            await make_usual_stages(session)
            return await create_deal(session, actor=actor, values=usual | values, lines=entries)

    async def task(self, *, actor: User | None = None, **values: Any) -> Task:
        values.setdefault("title", f"Task {next(self._numbers)}")
        async with self.session() as session:
            return await create_task(session, actor=actor, values=values)

    async def view(self, *, actor: User | None = None, **values: Any) -> SavedView:
        """Save a view of orders; it belongs to the first user, and is shared."""
        async with self.session() as session:
            owner_id = actor.id if actor is not None else 1
            usual = {"page": "orders", "name": "Mine", "arguments": "state=open"}
            view = SavedView(owner_id=owner_id, is_shared=True, **usual | values)
            session.add(view)
            return view

    async def move(self, order: Order, target: OrderState, **options: Any) -> None:
        async with self.session() as session:
            order = await get_order(session, order_id=order.id)
            await move_order(session, actor=None, order=order, target=target, **options)

    async def read(self, order: Order) -> Order:
        """Return an order as the database has it now."""
        async with self.app.app_context():
            return await get_order(db.session, order_id=order.id)

    async def reload(self, session: AsyncSession, order_id: int) -> Order:
        return await get_order(session, order_id=order_id)

    async def stock(self, good: Good) -> int:
        async with self.app.app_context():
            return (await get_good(db.session, good_id=good.id)).stock

    async def history(self, subject: Account | Deal | Good | Order | Person | Task) -> list[str]:
        """Return what happened to a row, the newest first."""
        async with self.app.app_context():
            return [entry.action for entry in await list_history(db.session, subject)]

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """Collect the SQL that is run in the block, but for that of browser sessions alone.

        The statement that reads a session with its user is there, as that of the user.
        """
        seen: list[str] = []
        with recorded_statements(db, self.app) as statements:
            yield seen
        seen += [text for text in statements if "browser_session" not in text or "JOIN" in text]


WAY = {
    OrderState.DRAFT: (),
    OrderState.CANCELLED: (OrderState.CANCELLED,),
    OrderState.CONFIRMED: (OrderState.CONFIRMED,),
    OrderState.SHIPPED: (OrderState.CONFIRMED, OrderState.SHIPPED),
    OrderState.PAID: (OrderState.CONFIRMED, OrderState.SHIPPED, OrderState.PAID),
}


class Fields(HTMLParser):
    """The values of the inputs, selects and text areas of a page, as a browser would post them.

    The forms around the content of the page, such as the search, are left out.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._area: str | None = None
        self._select: str | None = None
        self._template = False
        self.feed(page[max(page.find("<main"), 0) :])

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name") or ""
        self._template = self._template or tag == "template"
        if self._template:
            return
        if tag == "input" and name:
            self.values[name] = given.get("value") or ""
        elif tag == "textarea":
            self._area, self.values[name] = name, ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in given:
            self.values[self._select] = given.get("value") or ""

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self.values[self._area] += data.lstrip("\r\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "template":
            self._template = False
        elif tag == "textarea":
            self._area = None
        elif tag == "select":
            self._select = None
