"""The audit log: its events, its page, its commands and its operation of the API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import select

from quarterdeck.login import hash_password
from quarterdeck.testing import recorded_statements
from quarterdeck_crm.audit.recording import record_audit
from quarterdeck_crm.audit.services import list_events, prune_events
from quarterdeck_crm.errors import ConflictError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import AuditAction, AuditEvent, User
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.team import services as team
from quarterdeck_crm.team.links import make_link_token
from quarterdeck_crm.tokens.services import create_token
from tests.crm.conftest import PASSWORD, Auth
from tests.crm.trading import Trade

pytestmark = pytest.mark.feature("AP6")

Browser = Callable[[], Auth]


async def events(app: Quart, *actions: AuditAction) -> list[AuditEvent]:
    """Return the events of some kinds, the oldest first."""
    async with app.app_context():
        statement = select(AuditEvent).order_by(AuditEvent.id)
        found = await db.session.scalars(statement)
        return [event for event in found if not actions or event.action in actions]


async def test_sign_ins_failures_and_sign_outs_are_recorded_with_their_origin(
    app: Quart, browser: Browser, user: User
) -> None:
    auth = browser()
    await auth.login(user, "wrong")
    await auth.login("nobody@example.com", "wrong")
    await auth.login(user)
    await auth.logout()

    found = await events(app)
    assert [(event.action, event.actor, event.subject) for event in found] == [
        (AuditAction.SIGN_IN_FAILED, None, user.email),
        (AuditAction.SIGN_IN_FAILED, None, "nobody@example.com"),
        (AuditAction.SIGNED_IN, user.email, user.email),
        (AuditAction.SIGNED_OUT, user.email, user.email),
    ]
    assert [event.user_id for event in found] == [user.id, None, user.id, user.id]
    assert {event.address for event in found} == {"<local>"}
    assert {event.user_agent for event in found} == {"Quart"}
    ids = {event.request_id for event in found}
    assert len(ids) == 4
    assert None not in ids


async def test_what_a_client_sends_fits_the_columns(app: Quart, browser: Browser) -> None:
    auth = browser()
    token = await auth.token("/auth/login")
    form = {"email": "x" * 254, "password": "p", "csrf_token": token}
    agent = {"User-Agent": "A" * 5_000}
    response = await auth.client.post("/auth/login", form=form, headers=agent)

    assert response.status_code == 422
    (event,) = await events(app)
    assert event.subject == "x" * 254
    assert event.user_agent == "A" * 255


@pytest.mark.parametrize("settings", [{"RATELIMIT_ENABLED": True, "SIGN_IN_FREE_ATTEMPTS": 1}])
async def test_delayed_sign_ins_are_recorded(app: Quart, browser: Browser, user: User) -> None:
    await browser().login(user, "wrong")
    await browser().login(user)

    kinds = [event.action for event in await events(app)]
    assert kinds == [AuditAction.SIGN_IN_FAILED, AuditAction.SIGN_IN_DELAYED]


@pytest.mark.parametrize("settings", [{"REGISTRATION_OPEN": True}])
async def test_registrations_and_passwords_are_recorded(
    app: Quart, browser: Browser, user: User
) -> None:
    newcomer = browser()
    form = {"name": "Ada", "email": "ada@example.com", "password": PASSWORD, "again": PASSWORD}
    await newcomer.post("/auth/register", page="/auth/register", **form)
    changed = {"current": PASSWORD, "password": "another long one", "again": "another long one"}
    await newcomer.post("/auth/password", **changed)
    async with app.app_context():
        link = f"/auth/reset/{make_link_token(user)}"
    await browser().post(link, page=link, password="yet another one", again="yet another one")

    found = await events(app)
    assert [(event.action, event.actor, event.subject) for event in found] == [
        (AuditAction.USER_CREATED, None, "ada@example.com"),
        (AuditAction.REGISTERED, "ada@example.com", "ada@example.com"),
        (AuditAction.PASSWORD_CHANGED, "ada@example.com", "ada@example.com"),
        (AuditAction.PASSWORD_CHANGED, None, user.email),
    ]


async def test_changes_of_users_by_an_administrator_are_recorded(
    app: Quart, as_admin: Auth, admin: User, user: User
) -> None:
    page = f"/team/{user.id}"
    entries = {"email": user.email, "name": "Another", "role": "User"}
    entries |= {"kind": "standard", "balance": "0"}
    await as_admin.post(f"{page}/edit", **entries)
    await as_admin.post(f"{page}/edit", **entries | {"role": "Moderator"})
    for action in ("link", "disable", "enable", "delete"):
        await as_admin.post(f"{page}/{action}")

    found = await events(app)
    assert [event.action for event in found] == [
        AuditAction.USER_CHANGED,  # the change of the name is none
        AuditAction.PASSWORD_LINK_MADE,
        AuditAction.USER_DISABLED,
        AuditAction.USER_ENABLED,
        AuditAction.USER_DELETED,
    ]
    assert found[0].detail == {"role": ["User", "Moderator"]}
    assert {(event.actor_id, event.actor, event.subject) for event in found} == {
        (admin.id, admin.email, user.email)
    }
    assert {event.user_id for event in found} == {None}, "the user is gone, and its name stays"


async def test_tokens_are_recorded_and_name_the_program_that_acts(
    app: Quart, auth: Auth, user: User, trade: Trade
) -> None:
    form = {"name": "Importer", "scopes": "read write", "days": "30"}
    await auth.post("/auth/tokens/", **form)
    await auth.post("/auth/tokens/1/revoke")
    async with app.app_context(), db.transaction() as session:
        _, secret = await create_token(session, user=user, name="Cleaner")
    order = await trade.order(account=await trade.account(owner_id=user.id))
    headers = {"Authorization": f"Bearer {secret}"}
    path = f"/api/v1/orders/{order.id}"
    etag = (await app.test_client().get(path, headers=headers)).headers["ETag"]
    deleted = await app.test_client().delete(path, headers=headers | {"If-Match": etag})

    assert deleted.status_code == 204
    created, revoked, _, removed = await events(app)
    assert (created.action, revoked.action) == (
        AuditAction.TOKEN_CREATED,
        AuditAction.TOKEN_REVOKED,
    )
    assert created.detail == {"name": "Importer", "scopes": "read write"}
    assert revoked.detail == {"name": "Importer"}
    assert (removed.action, removed.actor) == (AuditAction.DELETED, user.email)
    assert removed.subject == f"order {order.number}"
    assert removed.detail == {"token": "Cleaner"}


async def test_exports_are_recorded(app: Quart, as_moderator: Auth, moderator: User) -> None:
    await (await as_moderator.get("/transfer/export/accounts.csv")).get_data()

    (event,) = await events(app)
    assert (event.action, event.actor, event.subject) == (
        AuditAction.EXPORTED,
        moderator.email,
        "accounts",
    )


async def test_an_event_shares_the_fate_of_its_change(app: Quart, admin: User) -> None:
    async with app.app_context():

        async def refused() -> None:
            async with db.transaction() as session:
                found = await team.get_user(session, admin.id)
                await team.end_sessions(session, user=found)
                await team.disable_user(session, user=found, actor=None)

        with pytest.raises(ConflictError):
            await refused()
        assert await events(app) == []
        async with db.transaction() as session:
            found = await team.get_user(session, admin.id)
            await team.set_password(
                session, user=found, password_hash=await hash_password("another long one")
            )

    (event,) = await events(app)
    assert (event.action, event.actor, event.address) == (AuditAction.PASSWORD_CHANGED, None, None)


# --- reading --------------------------------------------------------------------------------


async def fill(app: Quart, number: int, **values: Any) -> None:
    async with app.app_context(), db.transaction() as session:
        kind = {"action": AuditAction.SIGN_IN_FAILED} | values
        session.add_all(AuditEvent(subject=f"a{n}@example.com", **kind) for n in range(number))


async def test_the_page_lists_filters_and_leads_on(app: Quart, as_admin: Auth, user: User) -> None:
    await fill(app, 25)
    async with app.app_context(), db.transaction() as session:
        await record_audit(
            session, AuditAction.USER_DISABLED, user=user, detail={"role": ["a", "b"]}
        )
    first = await _text_of_list(as_admin, "/audit/")

    assert first.index("User disabled") < first.index("a24@example.com")
    assert "role: a to b" in first
    assert f'href="/team/{user.id}"' in first
    assert "a4@example.com" not in first
    after = first.split("after=")[1].split('"')[0].split("&")[0]
    second = await _text_of_list(as_admin, f"/audit/?page=2&after={after}")
    assert "a4@example.com" in second
    page = await _text_of_list(as_admin, "/audit/?action=user_disabled&period=day&q=EXAMPLE")
    assert "a24@example.com" not in page
    broken = await (await as_admin.get("/audit/")).get_data(as_text=True)
    assert "<span>a24</span><wbr><span>@example</span><wbr><span>.com</span>" in broken
    assert "1 to 1 of" in page.replace('<data value="1">1</data>', "1")
    nothing = await (await as_admin.get("/audit/?q=100%25")).get_data(as_text=True)
    assert "No events match" in nothing


async def _text_of_list(auth: Auth, path: str) -> str:
    """Return a page whose addresses are whole: a list may break them."""
    page = await (await auth.get(path)).get_data(as_text=True)
    return page.replace("</span><wbr><span>", "")


async def test_facts_are_in_the_language_of_the_reader(app: Quart, as_admin: Auth) -> None:
    for number, detail in enumerate(
        (
            {"role": ["User", "Moderator"]},
            {"to": "ada@example.com", "records": 82},
            {"sent": "by mail, as the user asked"},
        )
    ):
        await fill(app, 1, detail=detail, address=f"10.0.0.{number}")
    response = await as_admin.get("/audit/", headers={"Accept-Language": "zh-CN"})
    page = await response.get_data(as_text=True)

    assert "角色: 由 用户 改为 主管" in page
    assert (
        "移交给: <span>ada</span><wbr><span>@example</span><wbr><span>.com</span>, 记录: 82" in page
    )
    assert "应用户要求通过邮件发送" in page


@pytest.mark.parametrize(
    ("action", "subject", "in_english", "in_chinese"),
    [
        (AuditAction.EXPORTED, "accounts", "Accounts", "客户"),
        (AuditAction.DELETED, "deal view x", "deal view x", "商机 view x"),
        (AuditAction.DELETED, "orders view Mine", "Orders, view Mine", "订单，视图 Mine"),
        (AuditAction.VIEW_SHARED, "goods view Wine", "Goods, view Wine", "商品，视图 Wine"),
        (AuditAction.FIELD_CHANGED, "contact field tag", "People, field tag", "人员，字段 tag"),
        (AuditAction.FIELD_CHANGED, "deal field size", "Deals, field size", "商机，字段 size"),
        (AuditAction.TAG_CHANGED, "tag accounts", "tag accounts", "标签 accounts"),
        (AuditAction.DELETED, "note 12", "note 12", "笔记 12"),
        (AuditAction.IMPORTED, "cargo", "cargo", "cargo"),
    ],
)
async def test_subjects_are_in_the_language_of_the_reader(
    app: Quart,
    as_admin: Auth,
    action: AuditAction,
    subject: str,
    in_english: str,
    in_chinese: str,
) -> None:
    async with app.app_context(), db.transaction() as session:
        session.add(AuditEvent(action=action, subject=subject))
    for language, expected in (("en", in_english), ("zh-CN", in_chinese)):
        response = await as_admin.get("/audit/", headers={"Accept-Language": language})
        assert f'name-or-mail">{expected}</span>' in await response.get_data(as_text=True)


async def test_filters_and_kinds_of_records_are_shown_as_words(app: Quart, as_admin: Auth) -> None:
    await fill(app, 1, detail={"list": "q=red%20wine&owner=me", "contact": "Ada"})
    page = await (await as_admin.get("/audit/")).get_data(as_text=True)

    assert "filters: q: red wine, owner: me, person: Ada" in page


async def test_the_page_shows_what_clients_sent_as_text(app: Quart, as_admin: Auth) -> None:
    await fill(app, 1, user_agent="<script>alert(1)</script>", detail={"<b>": "<i>"})
    page = await (await as_admin.get("/audit/")).get_data(as_text=True)

    assert "<script>alert" not in page
    assert "<b>" not in page


async def test_the_page_takes_the_same_statements_for_any_number(
    app: Quart, as_admin: Auth
) -> None:
    counts = []
    await as_admin.get("/audit/")  # the first request of a browser session also writes it
    for _ in range(2):
        await fill(app, 30)
        with recorded_statements(db, app) as statements:
            await as_admin.get("/audit/")
        counts.append(len(statements))

    assert counts[0] == counts[1]


@pytest.mark.parametrize("path", ["/audit/", "/api/v1/audit"])
async def test_only_administrators_read_it(as_moderator: Auth, as_admin: Auth, path: str) -> None:
    assert (await as_moderator.get(path)).status_code == 403
    assert (await as_admin.get(path)).status_code == 200
    team_page = await (await as_moderator.get("/team/")).get_data(as_text=True)
    assert "/audit/" not in team_page
    assert "/audit/" in await (await as_admin.get("/team/")).get_data(as_text=True)


async def test_the_api_lists_it(app: Quart, as_admin: Auth, admin: User) -> None:
    await fill(app, 3)
    await fill(app, 1, action=AuditAction.EXPORTED, actor_id=admin.id, actor=admin.email)
    page = await (await as_admin.get("/api/v1/audit?per_page=2&q=a0")).get_json()
    mine = await (await as_admin.get(f"/api/v1/audit?user={admin.id}&action=exported")).get_json()

    assert [event["action"] for event in page["items"]] == ["exported", "sign_in_failed"]
    assert [event["actor"] for event in mine["items"]] == [admin.email]
    assert (await as_admin.get("/api/v1/audit?action=sneezed")).status_code == 400


async def test_old_events_are_pruned(app: Quart, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quarterdeck_crm.audit.services.BATCH", 2)
    await fill(app, 5, at=utc_now() - timedelta(days=400))
    await fill(app, 1)
    async with app.app_context():
        assert await prune_events(older_than=timedelta(days=365)) == 5
        page = await list_events(db.session, listing=Listing(descending=True))
        assert len(page.items) == 1
