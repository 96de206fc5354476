"""A form whose browser session has ended comes back with its entries, and nothing is saved."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from quart import Quart, Response
from sqlalchemy import func, select
from wtforms import PasswordField

from quarterdeck.wtf import QuartForm
from quarterdeck_crm.auth.views import SECRETS
from quarterdeck_crm.extensions import Model, csrf, db
from quarterdeck_crm.extras.fields import create_field
from quarterdeck_crm.models import User
from tests.crm.conftest import PASSWORD, Auth
from tests.crm.sheets import Sheet, sheet_to
from tests.crm.trading import Trade
from tests.policies.test_access import UNSAFE, pages

pytestmark = [pytest.mark.any_database, pytest.mark.hazard("session ended")]

BROWSER = {
    "Accept": "text/html,application/xhtml+xml",
    "Origin": "http://localhost",
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-Mode": "navigate",
}
TYPED = "Typed before the session ended"

# Form pages with the address that each is posted to, for the rows that ``rows`` makes.
FORMS = {
    "/accounts/new": "/accounts/new",
    "/accounts/1/edit": "/accounts/1/edit",
    "/accounts/1/contacts/new": "/accounts/1/contacts/new",
    "/accounts/1/contacts/1": "/accounts/1/contacts/1",
    "/accounts/1": "/notes/account/1",
    "/notes/1/edit": "/notes/1/edit",
    "/deals/new": "/deals/new",
    "/deals/1/edit": "/deals/1/edit",
    "/deals/stages": "/deals/stages",
    "/people/new": "/people/new",
    "/people/1/edit": "/people/1/edit",
    "/goods/new": "/goods/new",
    "/goods/1/edit": "/goods/1/edit",
    "/orders/new": "/orders/new",
    "/orders/1/edit": "/orders/1/edit",
    "/tasks/new": "/tasks/new",
    "/tasks/1/edit": "/tasks/1/edit",
    "/fields/new/order": "/fields/new/order",
    "/fields/1": "/fields/1",
    "/tags/": "/tags/",
    "/tags/1": "/tags/1",
    "/team/new": "/team/new",
    "/team/1/edit": "/team/1/edit",
    "/auth/tokens/": "/auth/tokens/",
    "/auth/profile": "/auth/profile",
    "/jobs/clean_sessions/edit": "/jobs/clean_sessions/edit",
    "/views/orders/new": "/views/orders/new",
    "/views/1/edit": "/views/1/edit",
}
# Forms of which nothing but files, passwords or a choice is given. They come back empty.
NOTHING_TO_KEEP = {
    "accounts.file_create",
    "deals.file_create",
    "orders.file_create",
    "goods.picture_submit",
    "transfer.create_submit",
    "auth.password",
    "orders.confirm_by_mail",
}
# Of the forms of a new deal and a new order.
OTHER_BUTTONS = {"accounts.create_for_deal", "accounts.create_for_order"}
FOR_VISITORS = {
    "auth.login_submit",
    "auth.register_submit",
    "auth.reset_link_submit",
    "auth.reset_submit",
}
# Buttons: nothing is typed, so the user presses them again.
BUTTONS = {
    "dashboard.dismiss_start",
    "accounts.archive",
    "accounts.restore",
    "accounts.contact_remove",
    "notes.remove",
    "notifications.read",
    "notifications.read_all",
    "attachments.remove",
    "auth.logout",
    "auth.logout_everywhere",
    "dashboard.appearance",
    "deals.delete",
    "deals.move",
    "deals.order",
    "deals.usual_stages",
    "goods.archive",
    "goods.restore",
    "goods.picture_remove",
    "jobs.pause",
    "jobs.resume",
    "jobs.run",
    "mail.delete",
    "mail.retry",
    "mail.unsubscribe_submit",
    "bulk.hand_over_submit",
    "bulk.select",
    "bulk.start",
    "bulk.undo",
    "duplicates.compare_submit",
    "duplicates.dismiss",
    "orders.copy",
    "orders.move",
    "people.archive",
    "people.delete",
    "people.restore",
    "fields.archive",
    "fields.restore",
    "saved_views.delete",
    "saved_views.save",
    "tags.merge",
    "tags.remove",
    "tasks.complete",
    "tasks.delete",
    "tasks.end_calendar",
    "tasks.renew_calendar",
    "tasks.reopen",
    "team.delete",
    "team.disable",
    "team.enable",
    "team.invite",
    "team.link",
    "tokens.revoke",
    "transfer.discard_submit",
    "transfer.run",
}


@pytest.fixture
async def rows(trade: Trade, as_admin: Auth) -> None:
    """An account with a contact, a good, an order, a task and a note, each with the id 1."""
    async with trade.session() as session:
        field = {"label": "Hobby", "type": "text"}
        await create_field(session, actor=None, kind="account", values=field)
    account, good = await trade.account(tags="Wine"), await trade.good()
    await trade.order((good, 2), account=account)
    await trade.task()
    await trade.deal(account_id=account.id)
    await trade.view()
    page = await text_of(await as_admin.get("/accounts/1/contacts/new"))
    sheet = sheet_to(page, "/accounts/1/contacts/new")
    await as_admin.client.post(sheet.action, form=sheet.values | {"name": "Roland Mendel"})
    await as_admin.post("/notes/account/1", body="Called")


async def text_of(response: Response) -> str:
    return str(await response.get_data(as_text=True))


async def filled(auth: Auth, page: str, action: str) -> Sheet:
    """Return a form of a page, with a text typed into its first field."""
    sheet = sheet_to(await text_of(await auth.get(page)), action, address=page)
    name = next(name for name, kind in sheet.kinds.items() if kind in {"text", "textarea"})
    sheet.values[name] = TYPED
    return sheet


async def send(auth: Auth, sheet: Sheet, **headers: str) -> Response:
    return await auth.client.post(sheet.action, form=sheet.values, headers=BROWSER | headers)


async def everything(app: Quart) -> dict[str, int]:
    """Return how many rows each table has, but for browser sessions and sign-ins."""
    async with app.app_context():
        return {
            table.name: await db.session.scalar(select(func.count()).select_from(table)) or 0
            for table in Model.metadata.sorted_tables
            if table.name not in {"browser_session", "audit_event"}
        }


def entries(sheet: Sheet) -> dict[str, str]:
    return {name: value for name, value in sheet.values.items() if name != "csrf_token" and value}


@pytest.mark.parametrize(("page", "action"), FORMS.items(), ids=list(FORMS))
async def test_entries_survive_the_end_of_the_session(
    app: Quart, as_admin: Auth, admin: User, rows: None, page: str, action: str
) -> None:
    sheet = await filled(as_admin, page, action)
    before = await everything(app)
    await as_admin.logout()

    asked = await send(as_admin, sheet)
    assert asked.status_code == 401
    sign_in = sheet_to(text := await text_of(asked), "/auth/login")
    assert "nothing was saved yet" in text
    wrong = await send(as_admin, sign_in)  # without a password: the entries stay
    sign_in = sheet_to(await text_of(wrong), "/auth/login")
    sign_in.values |= {"email": admin.email, "password": PASSWORD}
    back = await text_of(await send(as_admin, sign_in))
    shown = await send(as_admin, sheet_to(back, action))

    again = sheet_to(text := await text_of(shown), action)
    assert shown.status_code == 422
    assert "Nothing was saved yet." in text
    assert entries(again) == entries(sheet)
    assert await everything(app) == before
    assert "Nothing was saved yet" not in await text_of(await send(as_admin, again))


@pytest.mark.parametrize(("page", "action"), FORMS.items(), ids=list(FORMS))
async def test_an_old_form_comes_back_after_another_sign_in(
    app: Quart, as_admin: Auth, admin: User, rows: None, page: str, action: str
) -> None:
    sheet = await filled(as_admin, page, action)
    await as_admin.logout()
    await as_admin.login(admin)
    before = await everything(app)

    shown = await send(as_admin, sheet)

    again = sheet_to(text := await text_of(shown), action)
    assert shown.status_code == 422
    assert "because you signed in or out" in text
    assert entries(again) == entries(sheet)
    assert await everything(app) == before


@pytest.mark.parametrize(
    "foreign",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Mode": "cors"},
        {"Accept": "*/*"},
    ],
    ids=str,
)
@pytest.mark.parametrize("signed_in", [True, False])
async def test_a_form_of_another_site_is_plainly_refused(
    app: Quart, as_admin: Auth, rows: None, foreign: dict[str, str], signed_in: bool
) -> None:
    if not signed_in:
        await as_admin.logout()
    before = await everything(app)
    planted = Sheet("/accounts/new", "post", {"name": TYPED, "version": "0"})

    answer = await send(as_admin, planted, **foreign)

    assert answer.status_code in ({400} if signed_in else {302, 401})
    assert TYPED not in await text_of(answer)
    assert "kept" not in await text_of(answer)
    assert await everything(app) == before


async def test_a_button_asks_to_sign_in_and_says_that_nothing_was_changed(
    as_admin: Auth, rows: None
) -> None:
    sheet = sheet_to(await text_of(await as_admin.get("/accounts/1")), "/accounts/1/archive")
    await as_admin.logout()

    answer = await send(as_admin, sheet, Referer="http://localhost/accounts/1")

    assert answer.location == "/auth/login?next=%2Faccounts%2F1"
    assert "nothing was changed" in await text_of(await as_admin.get(answer.location))


async def test_an_old_button_leads_back_to_its_page(
    as_admin: Auth, admin: User, rows: None
) -> None:
    sheet = sheet_to(await text_of(await as_admin.get("/accounts/1")), "/accounts/1/archive")
    await as_admin.logout()
    await as_admin.login(admin)

    answer = await send(as_admin, sheet, Referer="http://localhost/accounts/1")

    assert answer.status_code == 400
    assert 'href="/accounts/1">Back to the page' in await text_of(answer)


async def test_passwords_are_never_kept(as_admin: Auth) -> None:
    page = await text_of(await as_admin.get("/auth/password"))
    sheet = sheet_to(page, "/auth/password")
    secret = dict.fromkeys(("current", "password", "again"), "a secret that is kept nowhere")
    sheet.values |= secret | {"keep_tokens": "y"}
    await as_admin.logout()

    text = await text_of(await send(as_admin, sheet))

    sign_in = sheet_to(text, "/auth/login")
    assert sign_in.values["kept"]
    for value in secret.values():
        assert value not in text


async def test_an_old_sign_in_page_asks_for_the_password_again(
    browser: Callable[[], Auth], user: User
) -> None:
    someone = browser()
    sheet = sheet_to(await text_of(await someone.get("/auth/login")), "/auth/login")
    sheet.values |= {"csrf_token": "old", "email": user.email, "password": PASSWORD}

    shown = await text_of(await send(someone, sheet))

    assert sheet_to(shown, "/auth/login").values["email"] == user.email
    assert "Enter the passwords again." in shown
    assert PASSWORD not in shown


async def test_kept_entries_of_another_app_are_ignored(as_admin: Auth, admin: User) -> None:
    await as_admin.logout()

    answer = await as_admin.login(admin, kept='["//evil.example",[["name","Mallory"]],false]')

    assert answer.location == "/"


async def test_the_page_after_signing_in_shows_all_entries_as_text(
    as_admin: Auth, admin: User, rows: None
) -> None:
    sheet = await filled(as_admin, "/accounts/new", "/accounts/new")
    sheet.values["city"] = '"><script>alert(1)</script>'
    await as_admin.logout()
    sign_in = sheet_to(await text_of(await send(as_admin, sheet)), "/auth/login")
    sign_in.values |= {"email": admin.email, "password": PASSWORD}

    text = await text_of(await send(as_admin, sign_in))

    assert "<script>alert" not in text
    assert sheet_to(text, "/accounts/new").values["city"] == sheet.values["city"]


def test_names_of_password_fields_are_known() -> None:
    found = {
        name
        for form in _descendants(QuartForm)
        if form.__module__.startswith("quarterdeck_crm")
        for name in dir(form)
        if getattr(getattr(form, name), "field_class", None) is PasswordField
    }

    assert found == SECRETS


def _descendants(kind: type[QuartForm]) -> set[type[QuartForm]]:
    found = {kind}
    for subclass in kind.__subclasses__():
        found |= _descendants(subclass)
    return found


async def test_every_form_is_one_that_comes_back(app: Quart) -> None:
    """A new form must be marked by ``csrf.redisplay`` and stand in one of the lists."""
    async with app.app_context():
        writing = {
            str(rule.endpoint)
            for rule, _ in pages(app)
            if rule.methods and rule.methods & UNSAFE and not rule.rule.startswith("/api/")
        }
        marked = {endpoint for endpoint in writing if csrf.is_redisplayed(endpoint)}
    adapter = app.url_map.bind("localhost")
    tried = {adapter.match(action, method="POST")[0] for action in FORMS.values()}

    assert writing - marked == BUTTONS
    assert marked == tried | NOTHING_TO_KEEP | FOR_VISITORS | OTHER_BUTTONS
