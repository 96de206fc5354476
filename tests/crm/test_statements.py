"""No page asks once per row: the url map is walked with few rows and with many."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from quart import Quart

from quarterdeck_crm.accounts.details import add_contact
from quarterdeck_crm.accounts.services import get_account, update_account
from quarterdeck_crm.extras.fields import KINDS, create_field
from quarterdeck_crm.goods.services import get_good, update_good
from quarterdeck_crm.models import (
    Contact,
    Good,
    OrderState,
    PersonEmail,
    PersonPhone,
    Role,
    User,
)
from quarterdeck_crm.notes.services import add_note
from quarterdeck_crm.orders.lines import LineEntry
from quarterdeck_crm.orders.services import get_order, update_order
from quarterdeck_crm.people.services import get_person, update_person
from quarterdeck_crm.saved_views.services import PAGES
from quarterdeck_crm.tokens.services import create_token

from .conftest import Auth, MakeUser
from .test_attachments import PDF, png, upload
from .trading import Trade

pytestmark = pytest.mark.any_database

FEW, MANY = 1, 4  # rows of each kind

# What stands for the variable parts of the paths.
PARTS: dict[str, Any] = {
    "first_id": 1,
    "record_kind": "account",
    "second_id": 2,
    "account_id": 1,
    "attachment_id": 1,
    "contact_id": 1,
    "deal_id": 1,
    "field_id": 1,
    "good_id": 1,
    "note_id": 1,
    "notification_id": 1,
    "record": "account",
    "record_id": 1,
    "job_id": "clean_sessions",
    "order_id": 1,
    "person_id": 1,
    "tag_id": 1,
    "view_id": 1,
    "page": "orders",
    "task_id": 1,
    "user_id": 1,
    "kind": "orders",
    "number": "13812345678",
}
QUERIES: dict[str, tuple[str, ...]] = {
    "accounts.index": ("", "?q=a&sort=owner", "?owner=me&sort=-orders"),
    "accounts.suggestions": ("?q=a",),
    "api.list_accounts": ("", "?q=a"),
    "api.list_goods": ("", "?q=g"),
    "api.list_people": ("", "?q=a"),
    "api.list_views": ("?records=orders",),
    "api.list_orders": ("", "?q=a&sort=owner", "?state=open&owner=me"),
    "api.search": ("?q=a",),
    "dashboard.quick_search": ("?q=a",),
    "dashboard.search": ("?q=a", "?q=a&only=notes"),
    "duplicates.index": ("", "?kind=person"),
    "goods.suggestions": ("?q=g",),
    "goods.index": ("", "?q=g"),
    "deals.board": ("", "?q=d&owner=me", "?account=1&tag=1", "?person=1"),
    "deals.contacts": ("?account=a",),
    "deals.index": ("", "?q=d&sort=-value", "?state=won&late=1", "?person=1"),
    "orders.index": ("", "?q=a&sort=account", "?state=open&owner=me"),
    "people.suggestions": ("?q=a",),
    "people.index": ("", "?q=a&contact=yes", "?account=1"),
    "people.create": ("", "?account=1"),
    "orders.create": ("", "?account=1"),
    "tasks.index": ("", "?q=t&sort=-priority", "?assignee=me&due=week", "?person=1"),
    "team.index": ("", "?q=a"),
    "notes.colleagues": ("", "?q=a"),
    "api.list_notes": ("?record=account&record_id=1",),
    "api.list_notifications": ("?unread=true",),
    "notifications.index": ("", "?unread=1"),
}
LEFT_OUT = {
    "bulk.show": "one run of a user; its statements are those of test_bulk.py",
    "api.asset": "a file",
    "api.read_bulk_run": "one run of a user, as bulk.show",
    "api.read_hand_over": "one run of a user, as bulk.show",
    "calendar.feed": "a file, behind a secret address",
    "auth.login": "for strangers, and shows no rows",
    "auth.register": "for strangers, and shows no rows",
    "auth.reset_link": "for strangers, and shows no rows",
    "mail.unsubscribe": "for strangers, and shows no rows",
    "other_releases.file": "a file",
    "metrics.show": "figures of the process, for the operator",
    "transfer.show": "its state is a file, see transfer.uploads",
}
# Statements that a page may take, the signed-in user included; the usual is enough for a list.
# Records have two more: for their tags, and for their custom fields.
USUAL = 3
MOST = {
    "accounts.contact_edit": 6,  # a person is read with its numbers, addresses and accounts
    "accounts.edit": 5,
    "accounts.index": 5,
    "accounts.show": 19,  # each panel, and each source of the timeline
    "api.list_accounts": 4,
    "api.list_contacts": 5,
    "api.list_deals": 4,
    "api.list_goods": 4,
    "api.list_orders": 6,  # counted, chosen, read
    "api.list_people": 8,  # a search is counted before it is read
    "api.read_account": 4,
    "api.read_contact": 6,
    "api.read_deal": 5,
    "api.read_good": 4,
    "api.read_job": 4,
    "api.read_order": 5,
    "api.read_person": 8,
    "api.search": 24,  # each kind with its extras, and the records of notes and files
    "dashboard.index": 18,  # jobs and mails that failed are for administrators
    "dashboard.quick_search": 12,  # one for each kind, and the records of notes and files
    "dashboard.search": 18,
    "api.list_notifications": 4,  # names of each kind of record
    "notifications.index": 4,
    "duplicates.compare": 5,  # both records, and their extras
    "duplicates.index": 6,  # pairs, their number, and people with all that tells them apart
    "deals.board": 6,  # cards, sums, reasons, and the account that is filtered by
    "deals.edit": 7,
    "deals.index": 5,  # the account that is filtered by
    "deals.show": 13,  # also its files, the room for them, and files in the timeline
    "deals.stages": 4,
    "goods.edit": 5,
    "goods.index": 5,
    "goods.show": 5,
    "jobs.show": 4,
    "mail.index": 4,  # two lists and their counts
    "orders.edit": 6,
    "orders.index": 6,
    "orders.show": 12,  # files stand in a panel of their own and in the timeline
    "people.edit": 8,
    "people.index": 8,
    "people.show": 12,  # also its tasks and its deals
    "tasks.show": 4,
    "transfer.export": 9,  # written to the audit log; a stream reads definitions past the cache
}


def paths(app: Quart, picture: str) -> dict[str, str]:
    """Return the pages that a GET shows, with their endpoints."""
    found = {}
    parts = PARTS | {"name": picture}
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.websocket or rule.endpoint in LEFT_OUT:
            continue
        if rule.endpoint.rpartition(".")[2] == "static":
            continue
        values = parts | ({"name": "orders"} if rule.endpoint == "transfer.export" else {})
        built = rule.build({name: values[name] for name in rule.arguments})
        assert built, f"PARTS has nothing for '{rule.rule}'"
        for query in QUERIES.get(rule.endpoint, ("",)):
            found[built[1] + query] = rule.endpoint
    return found


@pytest.fixture
async def picture(as_admin: Auth, admin: User, make_user: MakeUser, trade: Trade) -> str:
    """One row of everything; returns the name of a good's picture."""
    await make_user(Role.USER, phone=PARTS["number"])
    async with trade.session() as session:
        for kind in KINDS:
            field = {"label": "Size", "type": "number", "in_list": True}
            await create_field(session, actor=None, kind=kind, values=field)
    account = await trade.account(actor=admin, tags="Wine", fields={"size": 1})
    good = await trade.good()
    order = await trade.order((good, 1), account=account, actor=admin)
    await trade.task(actor=admin, account_id=account.id, due_on=date(2026, 11, 21))
    await trade.task(actor=admin, order_id=order.id)
    await trade.deal((good, 1), actor=admin, account_id=account.id)
    await trade.view(actor=admin)
    await add_details(trade, admin, 0)
    await upload(as_admin, "/accounts/1/files", "a.pdf", PDF)
    await upload(as_admin, "/goods/1/picture", "a.png", png())
    async with trade.session() as session:
        return (await get_good(session, good_id=1)).picture or ""


async def add_rows(trade: Trade, as_admin: Auth, user: User, number: int) -> Good:
    """One more of everything in the lists, belonging to somebody else each time."""
    account = await trade.account(
        actor=user, country=f"Country {number}", tags=f"Wine, T{number}", fields={"size": number}
    )
    good = await trade.good(category=f"Category {number}")
    states = list(OrderState)
    await trade.order((good, 1), account=account, actor=user, state=states[number % 5])
    paid = await trade.good(currency="USD")
    await trade.order((paid, 1), actor=user, state=OrderState.PAID, currency="USD")
    await trade.task(actor=user, account_id=account.id, assignee_id=1, due_on=date(2026, 11, 21))
    await trade.task(actor=user, order_id=1, title=f"Title {number}")
    await trade.deal((good, 1), actor=user, account_id=account.id)
    await trade.view(actor=user)
    await upload(as_admin, "/accounts/1/files", "b.pdf", PDF)
    await upload(as_admin, "/deals/1/files", "b.pdf", PDF)
    await upload(as_admin, "/orders/1/files", "b.pdf", PDF)
    return good


async def add_details(trade: Trade, user: User, number: int) -> None:
    """One more of everything on the pages of the first account, good and order."""
    async with trade.session() as session:
        account = await get_account(session, account_id=1)
        await add_contact(session, actor=None, account=account, values={"name": f"Ann {number}"})
        ann = await get_person(session, person_id=1)
        rows = ann.phones, ann.emails, ann.contacts
        values = {
            "phones": [*map(phone_of, rows[0]), {"number": f"+49 40 {len(rows[0])}"}],
            "emails": [*map(email_of, rows[1]), {"email": f"ann{len(rows[1])}@example.com"}],
            "accounts": [*map(place_of, rows[2])],
        }
        values["accounts"] += [{"account_id": number + 1}] if number else []
        await update_person(session, actor=None, person=ann, values=values, version=ann.version)
        await add_note(session, actor=user, subject=account, body="Called")
        owner = {"owner_id": user.id}
        version = account.version
        await update_account(session, actor=None, account=account, values=owner, version=version)
        good = await get_good(session, good_id=1)
        stock = {"stock": 200 + number}
        await update_good(session, actor=None, good=good, values=stock, version=good.version)
        await create_token(session, user=await session.get_one(User, 1), name=f"T{number}")
    await trade.order(account=account, actor=user)


def phone_of(row: PersonPhone) -> dict[str, Any]:
    return {"label": row.label, "number": row.number}


def email_of(row: PersonEmail) -> dict[str, Any]:
    return {"label": row.label, "email": row.email}


def place_of(row: Contact) -> dict[str, Any]:
    return {"account_id": row.account_id, "title": row.title}


async def set_lines(trade: Trade, user: User, goods: list[Good]) -> None:
    """Let the first order have a line for each of the goods."""
    async with trade.session() as session:
        order = await get_order(session, order_id=1)
        lines = [LineEntry(good.id, 1) for good in goods]
        values = {"owner_id": user.id}
        await update_order(
            session, actor=None, order=order, values=values, lines=lines, version=order.version
        )


async def statements_of(trade: Trade, auth: Auth, pages: dict[str, str]) -> dict[str, list[str]]:
    """Return by path what it asked of the database, once the cache is filled."""
    for page in PAGES:
        await auth.get(f"/{page}/")
    asked = {}
    for path in pages:
        with trade.statements() as statements:
            response = await auth.get(path)
            await response.get_data()
        assert response.status_code < 400, path
        asked[path] = statements
    return asked


def uncounted(statements: list[str]) -> list[str]:
    return [text for text in statements if not text.startswith("SELECT count(")]


@pytest.mark.feature("D5")
@pytest.mark.timeout(180)  # some sixty pages, twice
async def test_no_page_asks_more_with_more_rows(
    app: Quart, as_admin: Auth, make_user: MakeUser, trade: Trade, picture: str
) -> None:
    goods: list[Good] = []

    async def grow(numbers: range) -> dict[str, list[str]]:
        for number in numbers:
            user = await make_user(Role.USER, email=f"{number}@example.com")
            goods.append(await add_rows(trade, as_admin, user, number))
            await add_details(trade, user, number)
            await set_lines(trade, user, goods)
        return await statements_of(trade, as_admin, pages)

    pages = paths(app, picture)
    await as_admin.get("/")  # notes that the user was seen
    few = await grow(range(FEW))
    many = await grow(range(FEW, MANY))

    # Counting belongs to lists that have more than one page.
    more = {path: len(uncounted(many[path])) - len(uncounted(few[path])) for path in pages}
    grown = {path: many[path] for path in pages if more[path] > 0}
    assert grown == {}
    limits = {path: MOST.get(endpoint, USUAL) for path, endpoint in pages.items()}
    dear = {path: asked for path, asked in many.items() if len(asked) > limits[path]}
    assert dear == {}
