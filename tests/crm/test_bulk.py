"""Many records changed at once: selected, previewed, done in batches, and undone."""

from __future__ import annotations

import asyncio
import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from quart import Quart
from sqlalchemy import func, select, update

from quarterdeck_crm.bulk import runs
from quarterdeck_crm.extras.records import tags_of
from quarterdeck_crm.extras.tags import get_tag, list_tags, remove_tag
from quarterdeck_crm.models import (
    Account,
    BulkRun,
    Deal,
    Good,
    Order,
    OrderState,
    Person,
    Role,
    RunState,
    Task,
    User,
)
from quarterdeck_crm.orders.sum_checks import compare_sums
from tests.crm.conftest import Auth, MakeUser
from tests.crm.sheets import Sheet, sheets_on
from tests.crm.test_undo import text_of
from tests.crm.trading import Trade


async def selected(auth: Auth, path: str, action: str, *ids: int, which: str = "selected") -> str:
    """Send the bar of a list, and return the address of the preview."""
    page = await text_of(await auth.get(path))
    bar = next(each for each in sheets_on(page, path) if each.action.startswith("/bulk/"))
    entries = bar.values | {"action": action, "which": which}
    form = [*entries.items(), *(("id", str(id_)) for id_ in ids)]
    answer = await auth.client.post(
        bar.action,
        data="&".join(f"{name}={value}" for name, value in form),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 303, await text_of(answer)
    return answer.location


def form_of(page: str, action: str) -> Sheet:
    forms = (each for each in sheets_on(page, "/") if each.method == "post")
    return next(each for each in forms if each.action.startswith(action))


async def result(auth: Auth, address: str) -> str:
    """Return the page of a run, after its work in the background."""
    await asyncio.gather(*auth.client.app.background_tasks)
    return await text_of(await auth.get(address))


async def change(auth: Auth, preview: str, **entries: str) -> str:
    """Press the button of a preview, and return the page of the result."""
    sheet = form_of(await text_of(await auth.get(preview)), "/bulk/run/")
    answer = await auth.client.post(sheet.action, form=sheet.values | entries)
    assert answer.status_code == 303, await text_of(answer)
    return await result(auth, answer.location)


async def undone(auth: Auth, page: str) -> str:
    sheet = form_of(page, "/undo/")
    answer = await auth.client.post(sheet.action, form=sheet.values)
    assert answer.location.startswith("/bulk/run/")
    return await result(auth, answer.location)


async def test_what_may_not_be_changed_is_named_before_and_after(
    auth: Auth, user: User, make_user: MakeUser, trade: Trade
) -> None:
    other = await make_user(Role.USER, email="other@example.com")
    mine = [await trade.account(actor=user) for _ in range(2)]
    theirs = await trade.account(name="Theirs", actor=other)
    ids = [account.id for account in (*mine, theirs)]
    preview = await selected(auth, "/accounts/?sort=created", "owner", *ids)
    shown = await text_of(await auth.get(preview))
    assert "2 records can be changed." in shown
    assert re.search(r"<strong>Theirs</strong> .*belongs to another user", shown)
    refused = form_of(shown, "/bulk/run/")
    answer = await auth.client.post(refused.action, form=refused.values | {"value": "999"})
    assert answer.status_code == 422

    page = await change(auth, preview, value=str(other.id))
    assert "2 records are changed. 1 stays as it is:" in page
    assert 'href="/accounts/?sort=created&amp;page=1"' in page
    async with trade.session() as session:
        owners = await session.scalars(select(Account.owner_id).order_by(Account.id))
        assert owners.all() == [other.id] * 3
    assert await trade.history(mine[0]) == ["changed", "created"]
    page = await undone(auth, page)
    assert "2 stay as they are" in page, "they belong to another user now"


async def test_each_kind_is_changed_and_undone(
    as_admin: Auth, admin: User, make_user: MakeUser, trade: Trade
) -> None:
    other = await make_user(Role.USER, email="other@example.com")
    good = await trade.good(stock=10)
    for _ in range(2):
        order = await trade.order((good, 2), actor=admin)
        await trade.deal(actor=admin, account_id=order.account_id)
        await trade.task(actor=admin)
        await trade.person()
    cases = (
        ("/orders/", "confirm", "", Order.state, OrderState.CONFIRMED),
        ("/orders/", "owner", str(other.id), Order.owner_id, other.id),
        ("/deals/", "stage", "3", Deal.stage_id, 3),
        ("/deals/", "owner", "", Deal.owner_id, None),
        ("/tasks/", "owner", str(other.id), Task.assignee_id, other.id),
        ("/tasks/", "done", "", Task.is_done, True),
        ("/people/", "archive", "", Person.archived_at.is_(None), False),
        ("/accounts/", "archive", "", Account.archived_at.is_(None), False),
    )
    for path, action, value, column, after in cases:
        async with trade.session() as session:
            before = (await session.scalars(select(column))).all()
        preview = await selected(as_admin, path, action, which="page")
        page = await change(as_admin, preview, value=value)
        assert "2 records are changed." in page, (path, action)
        async with trade.session() as session:
            assert (await session.scalars(select(column))).all() == [after] * 2, (path, action)
        if action == "confirm":
            assert await trade.stock(good) == 6
        page = await undone(as_admin, page)
        assert "The change of 2 records is undone." in page, (path, action)
        async with trade.session() as session:
            assert (await session.scalars(select(column))).all() == before, (path, action)
    assert await trade.stock(good) == 10
    async with trade.app.app_context():
        assert await compare_sums() == []
    assert "1 record is changed" in await change(
        as_admin, await selected(as_admin, "/goods/", "archive", good.id)
    )
    async with trade.session() as session:
        assert await session.scalar(select(Good.archived_at)) is not None


@pytest.mark.parametrize("kind", ["account", "deal", "good", "order", "person"])
async def test_a_tag_is_added_and_removed_by_each_kind_and_undone(
    as_admin: Auth, admin: User, trade: Trade, kind: str
) -> None:
    make = getattr(trade, kind)
    rows = [await make(tags=tags) for tags in (["Wine", "Beer"], ["Beer"], [])]
    await make(tags=["Wine"])  # is not selected
    path = f"/{'people' if kind == 'person' else f'{kind}s'}/"

    async def tags() -> list[list[str]]:
        async with trade.session() as session:
            return [[tag.name for tag in await tags_of(session, row)] for row in rows]

    async with trade.session() as session:
        ids = {tag.name: str(tag.id) for tag in await list_tags(session)}
    selection = [row.id for row in rows]
    preview = await selected(as_admin, path, "tag", *selection)
    shown = await text_of(await as_admin.get(preview))
    assert "Wine (on 1 of 3)" in shown
    assert "Beer (on 2 of 3)" in shown
    page = await change(as_admin, preview, value=ids["Wine"])
    assert "2 records are changed. 1 stays as it is:" in page
    assert "It is so already." in page
    assert await tags() == [["Beer", "Wine"], ["Beer", "Wine"], ["Wine"]]
    assert (await trade.history(rows[2]))[0] == "changed"
    assert len(await trade.history(rows[0])) == 1, "it had the tag"
    assert "The change of 2 records is undone." in await undone(as_admin, page)
    assert await tags() == [["Beer", "Wine"], ["Beer"], []]

    preview = await selected(as_admin, path, "untag", *selection)
    page = await change(as_admin, preview, value=ids["Beer"])
    assert "2 records are changed. 1 stays as it is:" in page
    assert await tags() == [["Wine"], [], []]
    shown = await text_of(await as_admin.get(await selected(as_admin, path, "untag", *selection)))
    assert "Wine (on 1 of 3)" in shown
    assert "Beer" not in shown, "none of them has it"
    await undone(as_admin, page)
    assert await tags() == [["Beer", "Wine"], ["Beer"], []]


async def test_tags_that_cannot_be_set_are_refused(auth: Auth, user: User, trade: Trade) -> None:
    account = await trade.account(actor=user)
    preview = await selected(auth, "/accounts/", "tag", account.id)
    assert "There are no tags yet." in await text_of(await auth.get(preview))
    full = await trade.account(actor=user, tags=[f"t{number}" for number in range(20)])
    await trade.account(actor=user, tags=["One more"])
    async with trade.session() as session:
        one_more = {tag.name: tag.id for tag in await list_tags(session)}["One more"]
    preview = await selected(auth, "/accounts/", "tag", account.id, full.id)
    sheet = form_of(await text_of(await auth.get(preview)), "/bulk/run/")
    for value in ("", "999"):
        refused = await auth.client.post(sheet.action, form=sheet.values | {"value": value})
        assert refused.status_code == 422
        assert "Choose a tag." in await text_of(refused)
    page = await change(auth, preview, value=str(one_more))
    assert "1 record is changed. 1 stays as it is:" in page
    assert "A record can have at most 20 tags." in page
    async with trade.session() as session:
        tag = await get_tag(session, tag_id=one_more)
        await remove_tag(session, actor=None, tag=tag)
    gone = await undone(auth, page)
    assert "There is no such tag." in gone


async def test_one_that_fails_leaves_the_others_done(
    as_admin: Auth, admin: User, trade: Trade
) -> None:
    good, other = await trade.good(stock=3, name="Rope"), await trade.good(stock=1)
    for lines in (((good, 2),), ((other, 1), (good, 2)), ((good, 1), (good, 1)), ((other, 1),), ()):
        await trade.order(*lines, actor=admin)
    preview = await selected(as_admin, "/orders/?sort=number", "confirm", 1, 2, 3, 4, 5)
    shown = await text_of(await as_admin.get(preview))
    assert "2 records can be changed. 3 stay as they are:" in shown
    assert "has no lines" in shown
    assert shown.count("Rope: 2 ordered, 1 in stock") == 2
    page = await change(as_admin, preview)
    assert "2 records are changed. 3 stay as they are:" in page
    assert page.count("Rope: 2 ordered, 1 in stock") == 2
    assert (await trade.stock(good), await trade.stock(other)) == (1, 0)


async def test_all_that_match_in_batches(
    auth: Auth, user: User, trade: Trade, app: Quart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "BATCH", 2)
    for number in range(5):
        await trade.account(name=f"Rope {number}", actor=user)
    await trade.account(name="Other", actor=user)
    preview = await selected(auth, "/accounts/?q=rope&per_page=2&page=2", "archive", which="all")
    app.config["BULK_MAX"] = 4
    refused = await selected(auth, "/accounts/?q=rope&per_page=2", "archive", which="all")
    assert refused.startswith("/accounts/?q=rope")
    assert "At most 4 records can be changed at once." in await text_of(await auth.get(refused))
    page = await change(auth, preview)
    assert "5 records are changed." in page
    async with trade.session() as session:
        left = await session.scalars(select(Account.name).where(Account.archived_at.is_(None)))
        assert left.all() == ["Other"]
    assert "The change of 5 records is undone." in await undone(auth, page)


@pytest.mark.parametrize("path", ["/accounts/", "/orders/", "/goods/"])
async def test_all_that_match_are_more_than_a_page_can_have(
    as_admin: Auth, trade: Trade, path: str
) -> None:
    account = await trade.account()
    async with trade.session() as session:
        for number in range(101):
            made: dict[str, Account | Good | Order] = {
                "/accounts/": Account(name=f"Rope {number}"),
                "/goods/": Good(name="Rope", code=f"R{number}", price=Decimal(1), currency="EUR"),
                "/orders/": Order(
                    number=f"R{number}",
                    account_id=account.id,
                    currency="EUR",
                    ordered_on=date(2026, 11, 21),
                ),
            }
            session.add(made[path])
    preview = await selected(as_admin, path, "tag", which="all")
    assert preview.startswith("/bulk/run/"), preview
    shown = await text_of(await as_admin.get(preview))
    assert re.search(r"10[12] records can be changed\.", shown)


async def test_a_run_starts_once_and_goes_on_after_an_interruption(
    auth: Auth, user: User, trade: Trade
) -> None:
    for _ in range(2):
        await trade.account(actor=user)
    preview = await selected(auth, "/accounts/", "archive", 1, 2)
    sheet = form_of(await text_of(await auth.get(preview)), "/bulk/run/")
    await asyncio.gather(*(auth.client.post(sheet.action, form=sheet.values) for _ in range(2)))
    assert await trade.history(await trade.account()) == ["created"]
    async with trade.session() as session:
        run = await session.scalar(select(BulkRun))
        assert run is not None
        assert (run.done, run.position, run.refused) == (2, 2, [])
        ago = run.beat_at - timedelta(minutes=1)
        await session.execute(
            update(BulkRun).values(state=RunState.RUNNING, position=1, beat_at=ago)
        )
    page = await text_of(await auth.get(preview))
    assert "The change stopped after" in page
    assert "It is so already." in await change(auth, preview)


async def test_runs_are_private_and_roles_count(
    auth: Auth, user: User, make_user: MakeUser, trade: Trade
) -> None:
    await trade.account(actor=user)
    await trade.good()
    preview = await selected(auth, "/accounts/", "archive", 1)
    assert "/bulk/goods" not in await text_of(await auth.get("/goods/"))
    assert (await auth.post("/bulk/goods", id="1", action="archive")).status_code == 403
    assert (await auth.post("/bulk/nothing", id="1")).status_code == 404
    none = await auth.post("/bulk/accounts", action="archive")
    assert "Select at least one record." in await text_of(await auth.get(none.location))
    await auth.sign_in(await make_user(Role.ADMIN, email="other@example.com"))
    assert (await auth.get(preview)).status_code == 404
    async with trade.session() as session:
        assert await session.scalar(select(func.count()).select_from(BulkRun)) == 1


async def test_programs_change_many_at_once(
    auth: Auth, user: User, make_user: MakeUser, trade: Trade
) -> None:
    other = await make_user(Role.USER, email="other@example.com")
    for actor in (user, other):
        await trade.account(actor=actor)
    bar = form_of(await text_of(await auth.get("/accounts/")), "/bulk/")
    token = {"X-CSRFToken": bar.values["csrf_token"]}

    async def send(**body: object) -> tuple[int, dict[str, object]]:
        answer = await auth.client.post("/api/v1/bulk", json=body, headers=token)
        return answer.status_code, await answer.get_json()

    body = {"records": "accounts", "action": "owner", "ids": [1, 2, 1, 9], "value": other.id}
    status, result = await send(**body)
    assert (status, result["changed"]) == (200, [1])
    refused = result["refused"]
    assert isinstance(refused, list)
    assert [each["id"] for each in refused] == [2, 9]
    assert "There is no such account" in refused[1]["detail"]
    assert (await send(**body | {"value": 999}))[0] == 422
    assert (await send(**body | {"action": "pay"}))[0] == 422
    tag = {"records": "accounts", "ids": [2, 3], "value": 1}
    assert (await send(**tag, action="tag"))[0] == 422, "there is no such tag yet"
    await trade.account(actor=user, tags=["Wine"])
    assert (await send(**tag, action="tag"))[1]["changed"] == []
    assert (await send(**tag, action="untag"))[1]["changed"] == [3]
    assert (await send(**body | {"records": "goods", "action": "archive", "value": None}))[0] == 403
