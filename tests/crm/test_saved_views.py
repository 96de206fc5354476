"""Saved views of lists, and their columns, as a browser without JavaScript uses them."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from quart import Response
from sqlalchemy import select, update

from quarterdeck_crm import paths
from quarterdeck_crm.bulk.kinds import KINDS
from quarterdeck_crm.extras.fields import create_field
from quarterdeck_crm.models import AuditEvent, SavedView, User
from quarterdeck_crm.saved_views.services import (
    PAGES,
    create_view,
    delete_view,
    get_view,
    update_view,
)
from quarterdeck_crm.validation.numbers import MAX_INTEGER
from tests.crm.conftest import Auth, MakeUser
from tests.crm.sheets import Sheet, sheets_on
from tests.crm.trading import Trade
from tests.kit.sockets.app import Client

LINKS = re.compile(r'<nav class="views".*?</nav>', re.DOTALL)


async def text_of(response: Response) -> str:
    assert response.status_code == 200, response.location
    return str(await response.get_data(as_text=True))


def form_of(page: str, action: str) -> Sheet | None:
    return next((each for each in sheets_on(page, "") if each.action.startswith(action)), None)


async def save_new(auth: Auth, query: str, **entries: str) -> str:
    """Save what a list shows as a new view, and return its address."""
    path = f"/views/orders/new?{query}"
    sheet = next(
        each
        for each in sheets_on(await text_of(await auth.get(path)), path)
        if "name" in each.values
    )
    answer = await auth.client.post(path, form=sheet.values | entries)
    assert answer.status_code == 303, await answer.get_data(as_text=True)
    return str(answer.location)


def bar(page: str) -> str:
    found = LINKS.search(page)
    return found[0] if found else ""


async def test_a_view_is_saved_opened_changed_and_deleted(
    auth: Auth, user: User, trade: Trade
) -> None:
    await trade.order(actor=user)
    await trade.order()
    page = await text_of(await auth.get("/orders/?owner=me&sort=-net&columns=net&columns=state"))
    link = re.search(r'href="(/views/orders/new\?[^"]*)">Save view<', page)
    assert link
    query = link[1].partition("?")[2].replace("&amp;", "&")
    assert query == "sort=-net&owner=me&columns=state.net"
    assert await save_new(auth, query, name="Mine") == "/orders/?view=1"

    page = await text_of(await auth.get("/orders/?view=1"))
    assert '<a href="/orders/?view=1" aria-current="page">Mine' in bar(page)
    assert page.count('class="row-link" href="/orders/') == 1
    assert 'data-without="account date owner"' in page
    assert "Save changes" not in page
    assert "sort=-net" in page, "links keep what the view says"

    changed = "/orders/?view=1&sort=date&owner=me&state=draft"
    page = await text_of(await auth.get(changed))
    assert "Save as new view" in bar(page)
    sheet = form_of(page, "/views/1/arguments")
    assert sheet is not None
    answer = await auth.client.post(sheet.action, form=sheet.values)
    assert answer.location == "/orders/?view=1"
    assert "State: Draft" in await text_of(await auth.get("/orders/?view=1"))
    await auth.client.post(sheet.action, form=sheet.values | {"arguments": "state=paid"})
    page = await text_of(await auth.get("/orders/?view=1"))
    assert "State: Draft" in page, "the version was old"
    assert "Another user changed this view" in page

    sheet = form_of(await text_of(await auth.get("/views/1/edit")), "")
    edit = await text_of(await auth.get("/views/1/edit"))
    sheet = next(each for each in sheets_on(edit, "/views/1/edit") if "name" in each.values)
    renamed = await auth.client.post("/views/1/edit", form=sheet.values | {"name": "My drafts"})
    assert renamed.location == "/orders/?view=1"
    delete = form_of(edit, "/views/1/delete")
    assert delete is not None
    assert (await auth.client.post(delete.action, form=delete.values)).location == "/orders/"
    page = await text_of(await auth.get("/orders/?view=1&state=draft"))
    assert 'name="view"' not in page, "it was deleted"


async def test_own_and_shared_views(
    as_moderator: Auth, auth: Auth, user: User, make_user: MakeUser, trade: Trade
) -> None:
    await save_new(as_moderator, "state=open", name="Open ones", is_shared="y")
    await save_new(as_moderator, "state=paid", name="Secret")
    await as_moderator.sign_in(user)
    page = await text_of(await auth.get("/orders/"))
    assert "Open ones" in bar(page)
    assert "Secret" not in page
    page = await text_of(await auth.get("/orders/?view=1&state=paid"))
    assert form_of(page, "/views/1/arguments") is None
    assert "Save as new view" in bar(page)
    assert (await auth.get("/views/2/edit")).status_code == 404
    refused = await auth.post("/views/1/delete")
    assert refused.status_code == 403
    await save_new(auth, "state=open", name="Not for all", is_shared="y")
    async with trade.session() as session:
        shared = await session.scalars(select(SavedView.is_shared).order_by(SavedView.id))
        assert shared.all() == [True, False, False]


async def test_a_filter_that_no_longer_exists_is_named(auth: Auth, trade: Trade) -> None:
    await save_new(auth, "state=open&sort=gone", name="Old")
    async with trade.session() as session:
        await session.execute(update(SavedView).values(arguments="state=open&colour=blue"))
    page = await text_of(await auth.get("/orders/?view=1"))
    assert "This view has filters that no longer exist: colour." in page
    sheet = form_of(page, "/views/1/arguments")
    assert sheet is not None
    await auth.client.post(sheet.action, form=sheet.values)
    assert "no longer exist" not in await text_of(await auth.get("/orders/?view=1"))


async def test_programs_keep_views(auth: Auth) -> None:
    path = "/views/orders/new"
    forms = sheets_on(await text_of(await auth.get(path)), path)
    token = {
        "X-CSRFToken": next(
            each.values["csrf_token"] for each in forms if "csrf_token" in each.values
        )
    }
    body = {"records": "orders", "name": "Open", "arguments": "state=open&page=7"}
    made = await auth.client.post("/api/v1/views", json=body, headers=token)
    assert (made.status_code, made.location) == (201, "/api/v1/views/1")
    shared = await auth.client.post("/api/v1/views", json=body | {"is_shared": True}, headers=token)
    assert shared.status_code == 403
    listed = await (await auth.get("/api/v1/views?records=orders")).get_json()
    assert [each["arguments"] for each in listed["items"]] == ["state=open"]
    assert [(each["records"], each["position"]) for each in listed["items"]] == [("orders", 1)]

    last = {"position": MAX_INTEGER}
    first = await auth.get("/api/v1/views/1")
    await auth.client.patch(
        "/api/v1/views/1", json=last, headers=token | {"If-Match": first.headers["ETag"]}
    )
    other = body | {"name": "Other"}
    behind = await auth.client.post("/api/v1/views", json=other, headers=token)
    assert (await behind.get_json())["position"] == MAX_INTEGER, "no column holds more"

    path, change = "/api/v1/views/1", {"name": "Dear", "position": 3, "arguments": "sort=-net"}
    read = await auth.get(path)
    assert (await auth.client.patch(path, json=change, headers=token)).status_code == 428
    locked = token | {"If-Match": read.headers["ETag"]}
    changed = await auth.client.patch(path, json=change, headers=locked)
    assert changed.status_code == 200, await changed.get_data(as_text=True)
    assert (await changed.get_json()).items() >= change.items()
    assert (await auth.client.patch(path, json=change, headers=locked)).status_code == 412
    assert (await auth.client.delete(path, headers=locked)).status_code == 412
    now = token | {"If-Match": changed.headers["ETag"]}
    for wrong, status in (({"name": " "}, 422), ({"is_shared": True}, 403), ({"page": "x"}, 422)):
        assert (await auth.client.patch(path, json=wrong, headers=now)).status_code == status
    assert (await auth.client.delete(path, headers=now)).status_code == 204
    assert (await auth.get(path)).status_code == 404


async def test_shared_views_are_announced_and_in_the_audit_log(
    auth: Auth, moderator: User, trade: Trade
) -> None:
    async with auth.client.websocket("/ws") as connection:
        client = Client(connection)
        await client.subscribe("orders")
        for page, is_shared in (("orders", False), ("goods", True), ("orders", True)):
            values: dict[str, Any] = {"name": "Open", "is_shared": is_shared}
            async with trade.session() as session:
                view = await create_view(session, actor=moderator, page=page, values=values)
            for version, name in ((1, "New"), (2, "New")):
                async with trade.session() as session:
                    view = await get_view(session, view_id=view.id, actor=moderator)
                    values = {"name": name}
                    await update_view(
                        session, actor=moderator, view=view, values=values, version=version
                    )
            async with trade.session() as session:
                view = await get_view(session, view_id=view.id, actor=moderator)
                await delete_view(session, actor=moderator, view=view)
        events = await client.events(3)
    assert [(each["name"], each["data"]["name"]) for each in events] == [
        ("view.created", "Open"),
        ("view.changed", "New"),
        ("view.deleted", "New"),
    ]
    assert events[0]["data"]["by"] == {"id": str(moderator.id), "name": moderator.name}
    async with trade.session() as session:
        about_views = AuditEvent.subject.contains(" view ")
        query = select(AuditEvent).where(about_views).order_by(AuditEvent.id)
        lines = (await session.scalars(query)).all()
    assert [(each.action.value, each.subject, each.detail) for each in lines] == [
        line
        for page in ("goods", "orders")
        for line in (
            ("view_shared", f"{page} view Open", {}),
            ("view_changed", f"{page} view New", {"name": ["Open", "New"]}),
            ("deleted", f"{page} view New", {}),
        )
    ]


async def test_what_cannot_be_saved(auth: Auth, user: User) -> None:
    assert (await auth.get("/views/team/new")).status_code == 404
    token = {"page": "/views/orders/new"}
    for entries in ({"name": ""}, {"name": "x" * 61}, {"name": "x", "arguments": "q=%00"}):
        answer = await auth.post("/views/orders/new", **token, **entries)
        assert answer.status_code == 422, entries


@pytest.mark.parametrize("page", PAGES)
async def test_columns_are_on_the_page_and_in_the_stylesheet(
    as_admin: Auth, admin: User, trade: Trade, page: str
) -> None:
    order = await trade.order((await trade.good(), 1), actor=admin)
    await trade.deal(actor=admin, account_id=order.account_id)
    await trade.task(actor=admin)
    await trade.person()
    css = (paths.STATIC / "css" / "components.css").read_text("utf-8")
    shown = await text_of(await as_admin.get(f"/{page}/"))
    columns = re.findall(r'name="columns" value="(\w+)"(?: data-usual)? checked', shown)
    assert len(columns) >= 4
    assert set(columns) == set(re.findall(r'<th [^>]*data-column="(\w+)"', shown))
    assert set(columns) == set(re.findall(r'<td [^>]*data-column="(\w+)"', shown))
    for column in columns:
        assert f'[data-without~="{column}"] [data-column="{column}"]' in css
    assert page in KINDS


@pytest.mark.parametrize("page", [page for page in PAGES if page != "tasks"])
async def test_custom_fields_are_among_the_columns(
    as_admin: Auth, admin: User, trade: Trade, page: str
) -> None:
    kind = KINDS[page].model.__tablename__
    async with trade.session() as session:
        for key, type_, in_list in (
            ("colour", "text", True),
            ("size", "number", False),
            ("since", "date", False),
        ):
            values = {"label": key.upper(), "key": key, "type": type_, "in_list": in_list}
            await create_field(session, actor=admin, kind=kind, values=values)
    given: dict[str, Any] = {"colour": "red", "size": "1234.5", "since": "2026-01-31"}
    good = await trade.good(**({"fields": given} if page == "goods" else {}))
    of_account: dict[str, Any] = {"fields": given} if page == "accounts" else {}
    account = await trade.account(**of_account)
    if page == "people":
        await trade.person(name="Ada", fields=given)
    if page == "deals":
        await trade.deal(account_id=account.id, fields=given)
    if page == "orders":
        await trade.order((good, 1), account=account, fields=given)

    async def shown(query: str) -> tuple[str, set[str]]:
        text = await text_of(await as_admin.get(f"/{page}/?{query}"))
        heads = set(re.findall(r"COLOUR|SIZE|SINCE", "".join(re.findall(r"<th.*?</th>", text))))
        assert set(re.findall(r'<td data-label="(COLOUR|SIZE|SINCE)"', text)) == heads
        return text, heads

    text, heads = await shown("")
    assert heads == {"COLOUR"}
    assert re.findall(r'value="(field_\w+)"(?: data-usual)? checked', text) == ["field_colour"]
    text, heads = await shown("columns=field_&columns=field_size&columns=field_since")
    assert heads == {"SIZE", "SINCE"}
    assert "1,234.5<" in text
    assert "31 Jan 2026" in text
    assert "columns=field_.field_since.field_size" in text.replace("&amp;", "&"), "links keep them"
    assert (await shown("columns=field_"))[1] == set()
    assert (await shown("columns=field_.field_gone.field_colour"))[1] == {"COLOUR"}
    await as_admin.client.get("/")
    text, heads = await shown(
        "columns=" + ".".join(re.findall(r'name="columns" value="(\w+)"', text))
    )
    assert heads == {"COLOUR", "SIZE", "SINCE"}


async def test_a_list_names_the_disabled_user_that_it_is_filtered_by(
    auth: Auth, user: User, make_user: MakeUser, trade: Trade
) -> None:
    gone = await make_user(email="gone@example.com", name="Gone Gunda", is_active=False)
    for page, name in (("accounts", "owner"), ("orders", "owner"), ("tasks", "assignee")):
        listed = await text_of(await auth.get(f"/{page}/?{name}={gone.id}"))
        assert f'<option value="{gone.id}" selected>Gone Gunda' in listed
        listed = await text_of(await auth.get(f"/{page}/?{name}=99"))
        assert '<option value="99" selected>User 99' in listed


async def test_a_name_belongs_to_one_shared_view_of_a_list_and_to_one_of_its_owner(
    as_moderator: Auth, as_admin: Auth, auth: Auth
) -> None:
    async def answer(browser: Auth, path: str, **entries: str) -> int:
        sheet = next(
            each
            for each in sheets_on(await text_of(await browser.get(path)), path)
            if "name" in each.values
        )
        sent = await browser.client.post(path, form=sheet.values | entries)
        if sent.status_code == 422:
            problem = "shared view of this list has this name"
            assert (problem in await sent.get_data(as_text=True)) == ("is_shared" in entries)
        return sent.status_code

    new = "/views/orders/new?state=open"
    assert await answer(as_moderator, new, name="Open ones", is_shared="y") == 303
    assert await answer(as_admin, new, name="open  ONES", is_shared="y") == 422
    assert await answer(as_admin, "/views/deals/new", name="Open ones", is_shared="y") == 303
    assert await answer(as_admin, new, name="Others", is_shared="y") == 303
    assert await answer(as_moderator, "/views/3/edit", name="Open ones", is_shared="y") == 422
    assert await answer(as_moderator, "/views/1/edit", name="Open ones", is_shared="y") == 303
    assert await answer(auth, new, name="Open ones") == 303, "a view of one's own has no sign"
    assert await answer(auth, new, name="Open Ones") == 422
    assert await answer(as_admin, new, name="Open ones") == 303
    assert await answer(as_admin, "/views/5/edit", name="Open ones", is_shared="y") == 422
    body = {"records": "orders", "name": "Open ones", "is_shared": True}
    headers = {"X-CSRFToken": await as_admin.token()}
    refused = await as_admin.client.post("/api/v1/views", json=body, headers=headers)
    assert refused.status_code == 422
    problem = await refused.get_json()
    assert [error["pointer"] for error in problem["errors"]] == ["/name"]


@pytest.mark.parametrize("is_shared", [True, False])
async def test_one_of_several_requests_gets_a_name(as_admin: Auth, is_shared: bool) -> None:
    body = {"records": "orders", "name": "Open ones", "is_shared": is_shared}
    headers = {"X-CSRFToken": await as_admin.token()}
    answers = await asyncio.gather(
        *(as_admin.client.post("/api/v1/views", json=body, headers=headers) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422]


async def test_a_page_behind_the_last_one_leads_to_the_first(auth: Auth) -> None:
    assert await save_new(auth, "state=open&per_page=5", name="Open") == "/orders/?view=1"
    for path in ("orders", "accounts", "tasks"):
        for place in ("page=99", "after=x"):
            beyond = await auth.get(f"/{path}/?view=1&{place}")
            assert beyond.status_code == 404
            page = await beyond.get_data(as_text=True)
            assert f'href="/{path}/?view=1">First page<' in page
            assert "Check the address" not in page, "the address is right"
