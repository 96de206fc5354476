"""Back and send again: every form that creates something does it once."""

from __future__ import annotations

import asyncio
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from quart import Quart, Response
from quart.datastructures import FileStorage
from sqlalchemy import func, select

from quarterdeck_crm.extensions import Model, csrf, db
from quarterdeck_crm.models import Attachment
from tests.crm.conftest import Auth
from tests.crm.sheets import Sheet, sheet_to
from tests.crm.test_attachments import PDF
from tests.crm.trading import Trade
from tests.policies.test_access import UNSAFE, pages

pytestmark = [pytest.mark.feature("AP3"), pytest.mark.hazard("sent twice")]

# Of each form that creates a row: its page, its address, and entries that make it valid.
CREATES: dict[str, tuple[str, str, dict[str, str]]] = {
    "accounts.create_submit": ("/accounts/new", "/accounts/new", {"name": "Harbour Office"}),
    "accounts.contact_create_submit": (
        "/accounts/1/contacts/new", "/accounts/1/contacts/new", {"name": "Maria Anders"},
    ),
    "notes.create": ("/accounts/1", "/notes/account/1", {"body": "Called twice."}),
    "deals.create_submit": (
        "/deals/new", "/deals/new", {"name": "Refit", "account": "Ernst Handel"},
    ),
    "people.create_submit": ("/people/new", "/people/new", {"name": "Maria Anders"}),
    "goods.create_submit": (
        "/goods/new", "/goods/new", {"name": "Rope", "code": "ROPE", "price": "10"},
    ),
    "orders.create_submit": ("/orders/new", "/orders/new", {"account": "Ernst Handel"}),
    "saved_views.create_submit": ("/views/orders/new", "/views/orders/new", {"name": "Mine"}),
    "tasks.create_submit": ("/tasks/new", "/tasks/new", {"title": "Call back"}),
    "team.create_submit": (
        "/team/new", "/team/new", {"name": "Grace", "email": "grace@example.com"},
    ),
    "tokens.create_submit": ("/auth/tokens/", "/auth/tokens/", {"name": "Reports"}),
}  # fmt: skip
FILES = {
    "accounts.file_create": ("/accounts/1", "/accounts/1/files"),
    "deals.file_create": ("/deals/1", "/deals/1/files"),
    "orders.file_create": ("/orders/1", "/orders/1/files"),
}
# Forms that may be sent twice, each with the reason.
HARMLESS = {
    "accounts.create_for_deal": "an account that has the name is taken",
    "accounts.create_for_order": "an account that has the name is taken",
    "accounts.edit_submit": "saves the same values",
    "accounts.contact_edit_submit": "saves the same values",
    "auth.login_submit": "signs in again",
    "auth.password": "needs the former password",
    "auth.profile_submit": "saves the same values",
    "auth.register_submit": "an address is unique, and nobody is signed in",
    "auth.reset_link_submit": "the link works once",
    "auth.reset_submit": "sends another link, as often as the limit allows",
    "deals.edit_submit": "saves the same values",
    "deals.stages_submit": "saves the same values",
    "fields.create_submit": "a key is unique",
    "fields.edit_submit": "saves the same values",
    "tags.create": "a name is unique",
    "tags.edit_submit": "saves the same values",
    "goods.edit_submit": "saves the same values",
    "goods.picture_submit": "replaces the picture by the same",
    "jobs.edit_submit": "saves the same values",
    "notes.edit_submit": "saves the same text",
    "orders.confirm_by_mail": "mails the lines again, as asked",
    "orders.edit_submit": "saves the same values",
    "people.edit_submit": "saves the same values",
    "saved_views.edit_submit": "saves the same values",
    "tasks.edit_submit": "saves the same values",
    "team.edit_submit": "saves the same values",
    "transfer.create_submit": "only checks the file, and importing it twice changes nothing",
}


@pytest.fixture(autouse=True)
async def rows(trade: Trade) -> None:
    account = await trade.account(name="Ernst Handel")
    await trade.order(account=account)
    await trade.deal(account_id=account.id)


async def opened(auth: Auth, page: str, action: str) -> Sheet:
    text = await (await auth.get(page)).get_data(as_text=True)
    return sheet_to(text, action, address=page)


async def rows_of(app: Quart) -> dict[str, int]:
    async with app.app_context():
        return {
            table.name: await db.session.scalar(select(func.count()).select_from(table)) or 0
            for table in Model.metadata.sorted_tables
        }


@pytest.mark.parametrize("endpoint", CREATES)
async def test_a_form_sent_again_creates_nothing_more(
    app: Quart, as_admin: Auth, endpoint: str
) -> None:
    page, action, more = CREATES[endpoint]
    sheet = await opened(as_admin, page, action)
    before = await rows_of(app)

    first = await as_admin.client.post(action, form=sheet.values | more)
    once = await rows_of(app)
    again = await as_admin.client.post(action, form=sheet.values | more)

    assert first.status_code in {201, 303}, await first.get_data(as_text=True)
    assert again.status_code == 303
    assert first.status_code == 201 or again.location == first.location
    assert once != before
    assert await rows_of(app) == once


@pytest.mark.parametrize("endpoint", CREATES)
async def test_clicks_at_the_same_moment_create_one(
    app: Quart, as_admin: Auth, endpoint: str
) -> None:
    page, action, more = CREATES[endpoint]
    sheet = await opened(as_admin, page, action)
    before = await rows_of(app)

    await asyncio.gather(
        *(as_admin.client.post(action, form=sheet.values | more) for _ in range(4))
    )

    after = await rows_of(app)
    grown = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert grown["idempotency_key"] == 1
    several = {"search_word", "activity"}  # a contact is told of at its person and its account
    assert {number for name, number in grown.items() if name not in several} == {1}, grown


@pytest.mark.parametrize("endpoint", CREATES)
async def test_other_entries_are_saved_after_a_word_about_the_first(
    app: Quart, as_admin: Auth, endpoint: str
) -> None:
    page, action, more = CREATES[endpoint]
    sheet = await opened(as_admin, page, action)
    await as_admin.client.post(action, form=sheet.values | more)
    name = next(iter(more))
    values = sheet.values | more | {name: f"{more[name]} "}
    unique = {"name"} if endpoint == "saved_views.create_submit" else {"code", "email"}
    values |= {key: f"2{more[key]}" for key in unique & more.keys()}

    told = await as_admin.client.post(action, form=values)
    text = await told.get_data(as_text=True)
    # An account and a person are likely duplicates of the first now.
    again = sheet_to(text, action).values | {"anyway": "1"}
    saved = await as_admin.client.post(action, form=again)

    assert told.status_code == 422
    assert "was sent before, with other entries" in text
    assert saved.status_code in {201, 303}


async def send_file(auth: Auth, sheet: Sheet, content: bytes, name: str = "offer.pdf") -> Response:
    files = {"file": FileStorage(BytesIO(content), name)}
    return await auth.client.post(sheet.action, form=sheet.values, files=files)


async def attachments(app: Quart) -> list[Any]:
    async with app.app_context():
        return list(await db.session.scalars(select(Attachment.stored)))


@pytest.mark.parametrize("endpoint", FILES)
async def test_a_file_sent_again_is_attached_once(
    app: Quart, as_admin: Auth, endpoint: str
) -> None:
    sheet = await opened(as_admin, *FILES[endpoint])

    answers = [await send_file(as_admin, sheet, PDF) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    stored = await attachments(app)
    assert len(stored) == 1
    on_disk = [path.name for path in (Path(app.instance_path) / "attachments").rglob("*.pdf")]
    assert on_disk == stored


async def test_another_file_of_the_same_name_is_not_lost(app: Quart, as_admin: Auth) -> None:
    sheet = await opened(as_admin, *FILES["accounts.file_create"])
    await send_file(as_admin, sheet, PDF)

    told = await send_file(as_admin, sheet, PDF + b"% other contents")

    assert told.status_code == 422
    assert "was sent before, with other entries" in await told.get_data(as_text=True)


async def test_every_form_that_creates_something_is_tried(app: Quart) -> None:
    async with app.app_context():
        marked = {
            str(rule.endpoint)
            for rule, _ in pages(app)
            if rule.methods and rule.methods & UNSAFE and csrf.is_redisplayed(str(rule.endpoint))
        }

    assert marked == CREATES.keys() | FILES.keys() | HARMLESS.keys()
