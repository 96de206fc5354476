"""Plausible demonstration data from a fixed seed: the same every time, but for the dates.

Dates are counted back from today, so that the charts have a present.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from faker import Faker
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.deals.stages import USUAL_REASONS, list_stages, make_usual_stages
from quarterdeck_crm.models import (
    Account,
    Activity,
    Attachment,
    Deal,
    DealStage,
    Good,
    Order,
    OrderLine,
    OrderState,
    Person,
    Priority,
    Repeat,
    SavedView,
    StageKind,
    Task,
    User,
)
from quarterdeck_crm.models.task import NEVER
from quarterdeck_crm.money import line_amount
from quarterdeck_crm.orders.sums import count_inserted
from quarterdeck_crm.search.duplicate_index import index_all_duplicates
from quarterdeck_crm.search.word_index import index_everything

from .extras import make_extras
from .files import Record, Stored, give_pictures, make_files, write_files
from .people import make_people
from .talk import make_talk
from .users import USERS
from .words import CATALOG, DEALS, DEPARTMENTS, MARKETS, NOTES, REMARKS, TASKS, VIEWS, Market

SEED = 20261121
DAYS = 730
ACCOUNTS = 400
TASKS_MADE = 240
DEALS_MADE = 120
WITH_FILES = 60  # of the newest orders
COMMENTED = 200  # of the newest orders, and of the people
BATCH = 500

Rows = list[dict[str, Any]]
Progress = Callable[[int, int], None]


class Demo:
    """The demonstration company.

    Args:
        orders: How many orders to make.
        today: The moment that the dates count back from.
    """

    def __init__(self, *, orders: int, today: datetime) -> None:
        self.orders = orders
        self.today = today
        self.random = random.Random(SEED)

    async def write(self, session: AsyncSession, *, password_hash: str, progress: Progress) -> None:
        """Write everything into an empty database; the caller commits.

        Args:
            session: The db session.
            password_hash: Of the password that all demonstration users share.
            progress: Told how many orders of all have been written.
        """
        users = await self._insert(session, User, self._users(password_hash))
        goods = self._goods()
        pictures = await asyncio.to_thread(give_pictures, goods, seed=SEED)
        await self._insert(session, Good, goods)
        accounts = await asyncio.to_thread(self._accounts, users)  # Faker reads files
        await self._insert(session, Account, accounts)
        for model, rows in make_people(accounts, self.random, self.today).items():
            await self._insert(session, model, rows)
        notes = self._notes(accounts, users)
        await self._write_orders(session, accounts, goods, progress)
        # Last, so that the dice of everything else fall as they did without them.
        tasks = self._tasks(accounts, users)
        await self._insert(session, Task, tasks)
        await make_usual_stages(session)
        stages = await list_stages(session)
        deals = self._deals(accounts, stages)
        await self._insert(session, Deal, deals)
        await self._write_talk(session, notes, tasks, deals)
        files = await self._write_attachments(session, accounts, deals, goods)
        await asyncio.to_thread(write_files, [*pictures, *files])
        await self._write_extras(session)
        await self._insert(session, SavedView, self._views(users[0]))
        connection = await session.connection()
        await connection.run_sync(index_everything)
        await connection.run_sync(index_all_duplicates)

    async def _write_talk(
        self, session: AsyncSession, notes: Rows, tasks: Rows, deals: Rows
    ) -> None:
        newest = select(Order.id, Order.owner_id).order_by(Order.id.desc()).limit(COMMENTED)
        people = select(Person.id).order_by(Person.id).limit(COMMENTED)
        records = {
            "deal": [(deal["id"], deal["owner_id"]) for deal in deals],
            "order": [(id_, owner) for id_, owner in await session.execute(newest)],
            "task": [(task["id"], task["assignee_id"]) for task in tasks],
            "person": [(id_, None) for id_ in await session.scalars(people)],
        }
        names = {number: name for number, (_email, name, *_rest) in enumerate(USERS, 1)}
        talk = make_talk(records, names, notes, seed=SEED, today=self.today)
        for model, rows in talk.items():
            await self._insert(session, model, rows)

    async def _write_attachments(
        self, session: AsyncSession, accounts: Rows, deals: Rows, goods: Rows
    ) -> list[Stored]:
        """Insert the rows of files, and return their contents."""
        newest = (
            select(Order)
            .where(Order.state != OrderState.DRAFT)
            .order_by(Order.id.desc())
            .limit(WITH_FILES)
        )
        codes = {account["id"]: account["code"] for account in accounts}
        records = {
            "account": [
                Record(
                    row["id"],
                    row["code"],
                    row["owner_id"],
                    row["created_at"],
                    f"Customer {row['code']}",
                )
                for row in accounts
            ],
            "deal": [
                Record(
                    row["id"],
                    f"{codes[row['account_id']]}-{row['id']}",
                    row["owner_id"],
                    row["created_at"],
                    f"{row['name']}: {row['value']} {row['currency']}",
                )
                for row in deals
            ],
            "order": [
                Record(
                    order.id,
                    order.number,
                    order.owner_id,
                    order.created_at,
                    f"Order {order.number} of customer {codes[order.account_id]}, "
                    f"net {order.net:.2f} {order.currency}",
                )
                for order in await session.scalars(newest)
            ],
        }
        make = partial(make_files, records, goods, seed=SEED, today=self.today)
        rows, files = await asyncio.to_thread(make)
        await self._insert(session, Attachment, rows)
        return files

    async def _write_extras(self, session: AsyncSession) -> None:
        present = {
            model: (await session.scalars(select(model.id).order_by(model.id))).all()
            for model in (Account, Person, Deal, Order, Good)
        }
        for model, rows in make_extras(present, seed=SEED, today=self.today).items():
            for start in range(0, len(rows), BATCH):
                await session.execute(insert(model), rows[start : start + BATCH])

    def _views(self, owner_id: int) -> Rows:
        return [
            {
                "page": page,
                "name": name,
                "arguments": arguments,
                "owner_id": owner_id,
                "is_shared": True,
                "position": position,
                "version": 1,
            }
            for position, (page, name, arguments) in enumerate(VIEWS, 1)
        ]

    async def _insert(self, session: AsyncSession, model: type[Any], rows: Rows) -> list[int]:
        for number, row in enumerate(rows, 1):
            row["id"] = number
        for start in range(0, len(rows), BATCH):
            await session.execute(insert(model), rows[start : start + BATCH])
        return [row["id"] for row in rows]

    def _users(self, password_hash: str) -> Rows:
        return [
            {
                "email": email,
                "name": name,
                "role": role,
                "kind": kind,
                "password_hash": password_hash,
                "department": DEPARTMENTS[number % len(DEPARTMENTS)],
                "phone": f"1{38 + number % 2}{self.random.randrange(10**8):08d}",
                "balance": Decimal(self.random.randrange(0, 50_000)) / 100,
                "created_at": self.today - timedelta(days=DAYS + 30),
            }
            for number, (email, name, role, kind) in enumerate(USERS)
        ]

    def _goods(self) -> Rows:
        rows: Rows = []
        for family in CATALOG:
            for name in family.names:
                base = self.random.uniform(float(family.cheapest), float(family.dearest) / 1.6)
                for step, variant in enumerate(family.variants):
                    price = Decimal(f"{base * (1 + step * 0.18):.1f}")
                    rows.append(
                        {
                            "code": f"{family.prefix}-{len(rows) + 101}",
                            "name": f"{name}, {variant}",
                            "category": family.category,
                            "unit": family.unit,
                            "price": price,
                            "currency": "EUR",
                            "stock": self.random.choice((0, 3, 12, 40, 75, 120, 260)),
                            "created_at": self.today - timedelta(days=DAYS),
                        }
                    )
        return rows

    def _accounts(self, users: list[int]) -> Rows:
        names = list(MARKETS)
        weights = [market.often for market in MARKETS.values()]
        fakers = {name: Faker(name) for name in names}
        for number, faker in enumerate(fakers.values()):
            faker.seed_instance(SEED + number)
        rows: Rows = []
        for number in range(1, ACCOUNTS + 1):
            locale = self.random.choices(names, weights)[0]
            faker, market = fakers[locale], MARKETS[locale]
            city = self.random.choice(market.cities) if market.cities else faker.city()
            rows.append(
                {
                    "code": f"C{number:04d}",
                    "name": _company(faker, market),
                    "owner_id": self.random.choice(users),
                    "email": f"office@customer-{number}.example",
                    "phone": faker.phone_number()[:40],
                    "website": f"https://customer-{number}.example",
                    "address": faker.street_address()[:300].replace("\n", ", ").strip(),
                    "city": city[:100],
                    "postal_code": faker.postcode()[:20],
                    "country": market.country,
                    "created_at": self._moment(DAYS),
                    "contacts": [faker.name() for _ in range(self.random.randint(1, 3))],
                }
            )
        return rows

    def _notes(self, accounts: Rows, users: list[int]) -> Rows:
        rows: Rows = [
            {
                "subject_type": "account",
                "subject_id": account["id"],
                "author_id": self.random.choice(users),
                "body": self.random.choice(NOTES),
                "created_at": self._moment(200),
            }
            for account in self.random.sample(accounts, len(accounts) // 2)
        ]
        return rows

    def _tasks(self, accounts: Rows, users: list[int]) -> Rows:
        """Tasks around today: done before, some late, and most in the next weeks."""
        rows: Rows = []
        for number in range(TASKS_MADE):
            account = self.random.choice(accounts)
            days = None if number % 12 == 0 else int(self.random.gauss(0, 12))
            is_done = days is not None and days < 0 and self.random.random() < 0.9
            due_on = None if days is None else (self.today + timedelta(days=days)).date()
            hour = self.random.choice((None, None, 8, 10, 14))
            at = time(hour or 0, 30 if hour else 0)
            rows.append(
                {
                    "reference": f"tsk-{number:016x}",
                    "title": self.random.choice(TASKS),
                    "account_id": account["id"],
                    "order_id": None,
                    "assignee_id": account["owner_id"],
                    "creator_id": self.random.choice(users),
                    "due_on": due_on,
                    "due_time": f"{at:%H:%M}" if due_on and hour else None,
                    "due_at": datetime.combine(due_on, at, UTC) if due_on else NEVER,
                    "priority": self.random.choices(list(Priority), (2, 7, 1))[0],
                    "repeat": Repeat.MONTHLY if due_on and number % 20 == 1 else None,
                    "repeat_from": due_on if number % 20 == 1 else None,
                    "is_done": is_done,
                    "done_at": self.today + timedelta(days=days or 0) if is_done else None,
                    "created_at": self._moment(30) - timedelta(days=30),
                }
            )
        return rows

    def _deals(self, accounts: Rows, stages: Sequence[DealStage]) -> Rows:
        """Deals in all stages; some of the open ones are late."""
        rows: Rows = []
        for number in range(DEALS_MADE):
            account = self.random.choice(accounts)
            stage = self.random.choices(stages, (8, 6, 4, 5, 4))[0]
            is_open = stage.kind is StageKind.OPEN
            moved = self._moment(60 if is_open else 300)
            days = self.random.randint(-10, 60) if is_open else 10
            expected = (self.today if is_open else moved) + timedelta(days=days)
            rows.append(
                {
                    "name": self.random.choice(DEALS),
                    "account_id": account["id"],
                    "owner_id": account["owner_id"],
                    "stage_id": stage.id,
                    "kind": stage.kind,
                    "probability": stage.probability,
                    "own_probability": None,
                    "value": Decimal(self.random.randrange(5, 400) * 100),
                    "currency": "USD" if number % 9 == 0 else "EUR",
                    "expected_on": expected.date(),
                    "lost_reason": self.random.choice(USUAL_REASONS)
                    if stage.kind is StageKind.LOST
                    else None,
                    "moved_at": moved,
                    "created_at": moved - timedelta(days=self.random.random() * 60),
                }
            )
        return rows

    async def _write_orders(
        self, session: AsyncSession, accounts: Rows, goods: Rows, progress: Progress
    ) -> None:
        ages = sorted((self._age() for _ in range(self.orders)), reverse=True)
        # A few customers buy much, most buy little.
        weights = [1 / (rank + 5) for rank in range(len(accounts))]
        buyers = self.random.sample(accounts, len(accounts))
        orders: Rows = []
        lines: Rows = []
        for number, age in enumerate(ages, 1):
            account = self.random.choices(buyers, weights)[0]
            order, own = self._order(number, age, account, goods)
            orders.append(order)
            lines += own
            if len(orders) == BATCH or number == len(ages):
                await session.execute(insert(Order), orders)
                await session.execute(insert(OrderLine), lines)
                await count_inserted(session, [order["id"] for order in orders])
                await session.execute(insert(Activity), [_created(order) for order in orders])
                progress(number, self.orders)
                orders, lines = [], []

    def _order(
        self, number: int, age: float, account: dict[str, Any], goods: Rows
    ) -> tuple[dict[str, Any], Rows]:
        lines = [
            self._line(number, place, good)
            for place, good in enumerate(self.random.sample(goods, self._count()), 1)
        ]
        at = self.today - timedelta(days=age)
        state = self._state(age)
        served = state in {OrderState.SHIPPED, OrderState.PAID}
        order = {
            "id": number,
            "number": f"Q{number:06d}",
            "account_id": account["id"],
            "owner_id": account["owner_id"],
            "state": state,
            "currency": "EUR",
            "net": sum((line["amount"] for line in lines), Decimal(0)),
            "freight": Decimal(self.random.choice((0, 0, 490, 990, 1490))) / 100,
            "ordered_on": at.date(),
            "required_on": (at + timedelta(days=14)).date(),
            "shipped_on": min(at + timedelta(days=4), self.today).date() if served else None,
            "remark": self.random.choice(REMARKS) if self.random.random() < 0.1 else None,
            "created_at": at,
            "updated_at": at,
        }
        return order, lines

    def _line(self, order_id: int, place: int, good: dict[str, Any]) -> dict[str, Any]:
        quantity = self.random.choice((1, 1, 2, 2, 3, 4, 5, 6, 10, 12, 24))
        discount = Decimal(self.random.choice((0, 0, 0, 0, 5, 10, 15))) / 100
        return {
            "order_id": order_id,
            "position": place,
            "good_id": good["id"],
            "quantity": quantity,
            "price": good["price"],
            "discount": discount,
            "amount": line_amount(quantity, good["price"], discount),
        }

    def _count(self) -> int:
        return self.random.choices(range(1, 7), (30, 28, 18, 12, 8, 4))[0]

    def _age(self) -> float:
        """Return how many days ago an order came: more of them lately, fewer in winter."""
        while True:
            age = DAYS * (1.0 - self.random.random() ** 0.7)
            month = (self.today - timedelta(days=age)).month
            if self.random.random() < (0.55 if month in {11, 12, 1, 2} else 1.0):
                return float(age)

    def _state(self, age: float) -> OrderState:
        if self.random.random() < 0.04:
            return OrderState.CANCELLED
        if age < 6:
            return self.random.choice((OrderState.DRAFT, OrderState.CONFIRMED))
        if age < 20:
            return self.random.choice((OrderState.CONFIRMED, OrderState.SHIPPED))
        if age < 45:
            return self.random.choice((OrderState.SHIPPED, OrderState.PAID))
        return OrderState.PAID

    def _moment(self, days: int) -> datetime:
        return self.today - timedelta(days=self.random.random() * days)


def _company(faker: Faker, market: Market) -> str:
    return market.company.format(faker.last_name()) if market.company else str(faker.company())


def _created(order: dict[str, Any]) -> dict[str, Any]:
    return {
        "at": order["created_at"],
        "actor_id": order["owner_id"],
        "subject_type": "order",
        "subject_id": order["id"],
        "action": "created",
        "changes": {},
    }


def noon() -> datetime:
    """Return the last noon in UTC, so that no demonstration data lies in the future."""
    now = datetime.now(UTC)
    noon = datetime.combine(now.date(), time(12), UTC)
    return noon if noon <= now else noon - timedelta(days=1)
