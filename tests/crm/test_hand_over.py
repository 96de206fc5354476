"""The records of a user that leaves, given to a colleague as one run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from quarterdeck_crm.accounts.services import get_account, update_account
from quarterdeck_crm.bulk.hand_over import hand_over_now, start_hand_over
from quarterdeck_crm.bulk.kinds import get_kind
from quarterdeck_crm.bulk.runs import change_one, work_off
from quarterdeck_crm.models import (
    Account,
    AuditAction,
    AuditEvent,
    BulkRun,
    Deal,
    Notification,
    Order,
    OrderState,
    RunState,
    Task,
    User,
)
from tests.crm.conftest import Auth, MakeUser
from tests.crm.sheets import sheet_to
from tests.crm.test_bulk import result, undone
from tests.crm.test_undo import text_of
from tests.crm.trading import Trade

OWNERS = (Account.owner_id, Deal.owner_id, Order.owner_id, Task.assignee_id)


@pytest.fixture
async def leaving(make_user: MakeUser, trade: Trade) -> User:
    """A user with an open record in each list, and with a paid order and a task that is done."""
    leaving = await make_user(email="leaving@example.com", name="Lena Lee")
    account = await trade.account(actor=leaving, name="Ernst Handel")
    good = await trade.good()
    paid = await trade.order((good, 1), actor=leaving, account=account, state=OrderState.PAID)
    assert paid.owner_id == leaving.id
    await trade.order((good, 1), actor=leaving, account=account)
    await trade.deal(actor=leaving, account_id=account.id)
    await trade.task(actor=leaving, assignee_id=leaving.id)
    return leaving


async def owners(trade: Trade) -> list[list[int | None]]:
    """Return the owners of all accounts, deals, orders and tasks."""
    async with trade.session() as session:
        return [
            [*await session.scalars(select(column).order_by(column.class_.id))] for column in OWNERS
        ]


async def notified(trade: Trade, user: User) -> list[tuple[str, str, int]]:
    async with trade.session() as session:
        found = await session.scalars(
            select(Notification).where(Notification.user_id == user.id).order_by(Notification.id)
        )
        return [(each.kind.value, each.subject_type, each.subject_id) for each in found]


async def test_who_is_disabled_hands_over_what_is_open(
    as_admin: Auth, admin: User, user: User, leaving: User, trade: Trade
) -> None:
    path = f"/team/{leaving.id}/hand-over"
    assert f'href="{path}"' in await text_of(await as_admin.get(f"/team/{leaving.id}"))
    page = await text_of(await as_admin.get(path))
    for count in ("1 account<", "1 open deal<", "1 open order<", "1 open task<"):
        assert count in page
    assert f'<option value="{leaving.id}">' not in page

    answer = await as_admin.post(path, page=path, to=str(user.id), disables="y")
    assert answer.status_code == 303
    shown = await result(as_admin, answer.location)
    assert "4 records are changed." in shown
    assert "Back to the user" in shown
    assert await owners(trade) == [[user.id], [user.id], [leaving.id, user.id], [user.id]]
    assert await notified(trade, user) == [("handed_over", "user", leaving.id)]
    async with trade.session() as session:
        assert not (await session.get_one(User, leaving.id)).is_active
        accounts = await session.scalars(select(Account))
        history = await trade.history(accounts.one())
    assert history[0] == "changed"

    undoing = await undone(as_admin, shown)
    assert "The change of 4 records is undone." in undoing, "to a disabled user"
    assert await owners(trade) == [[leaving.id], [leaving.id], [leaving.id] * 2, [leaving.id]]
    answer = await as_admin.post(path, page=path, to=str(user.id))
    assert "4 records are changed." in await result(as_admin, answer.location), "afterwards, too"
    again = await as_admin.post(path, page=path, to=str(user.id))
    assert again.location == f"/team/{leaving.id}"
    assert "There are no open records to hand over." in await text_of(
        await as_admin.get(again.location)
    )


async def test_the_new_owner_reads_one_notification(
    as_admin: Auth, auth: Auth, user: User, leaving: User, trade: Trade
) -> None:
    path = f"/team/{leaving.id}/hand-over"
    await as_admin.post(path, page=path, to=str(user.id), disables="y")
    page = await text_of(await auth.get("/notifications/"))
    assert f'href="/team/{leaving.id}"' in page
    assert "gave you the open records of Lena Lee." in page
    (item,) = (await (await auth.get("/api/v1/notifications")).get_json())["items"]
    assert (item["kind"], item["record"], item["title"]) == ("handed_over", "user", "Lena Lee")
    async with trade.session() as session:
        await session.execute(update(Notification).values(subject_id=99))
    page = await text_of(await auth.get("/notifications/"))
    assert "gave you the open records of (deleted)." in page


async def test_a_colleague_that_cannot_get_them_is_refused(
    as_admin: Auth, admin: User, make_user: MakeUser, leaving: User, trade: Trade
) -> None:
    off = await make_user(email="off@example.com", name="Otto", is_active=False)
    path, before = f"/team/{leaving.id}/hand-over", await owners(trade)
    for to, problem in (
        (off.id, "Otto is disabled. Choose another user."),
        (leaving.id, "Choose a colleague."),
        ("", "Choose a colleague."),
        ("999", "Choose a colleague."),
    ):
        refused = await as_admin.post(path, page=path, to=str(to), disables="y")
        assert refused.status_code == 422, to
        assert problem in await text_of(refused)
    own = f"/team/{admin.id}/hand-over"
    refused = await as_admin.post(own, page=own, to=str(leaving.id), disables="y")
    assert refused.status_code == 409
    assert "You cannot disable yourself." in await text_of(refused)
    assert await owners(trade) == before
    async with trade.session() as session:
        assert (await session.get_one(User, leaving.id)).is_active


async def test_a_page_without_open_records_leads_back(as_admin: Auth, make_user: MakeUser) -> None:
    off = await make_user(email="off@example.com", name="Otto", is_active=False)
    page = await text_of(await as_admin.get(f"/team/{off.id}/hand-over"))
    assert "Otto has no open records to hand over." in page
    assert f'href="/team/{off.id}">Back to the user</a>' in page


async def test_records_that_come_while_a_user_is_disabled_are_offered_for_hand_over(
    as_admin: Auth, make_user: MakeUser, trade: Trade
) -> None:
    off = await make_user(email="off@example.com", name="Otto")
    path = f"/team/{off.id}/hand-over"
    page = await text_of(await as_admin.get(path))
    disable = sheet_to(page, f"/team/{off.id}/disable?next={path}")
    await trade.task(actor=off)  # another user was faster
    done = await as_admin.client.post(disable.action, form=disable.values)
    assert done.location == path
    page = await text_of(await as_admin.get(done.location))
    assert "Otto is disabled and signed out everywhere." in page
    assert "1 open task" in page
    assert "Hand over to" in page


async def test_a_form_that_is_sent_twice_hands_over_once(
    as_admin: Auth, admin: User, user: User, leaving: User, trade: Trade
) -> None:
    starts = []
    for _ in range(2):
        async with trade.session() as session:
            run, is_new = await start_hand_over(
                session, actor=admin, user_id=leaving.id, to_id=user.id, disables=True
            )
            starts.append((run.key, is_new))
    assert starts == [(starts[0][0], True), (starts[0][0], False)]
    async with trade.app.app_context():
        await work_off(starts[0][0])
    path = f"/team/{leaving.id}/hand-over"
    late = await as_admin.post(path, page=path, to=str(user.id), disables="y")
    assert late.location == f"/team/{leaving.id}", "nothing is left"
    assert await notified(trade, user) == [("handed_over", "user", leaving.id)]
    async with trade.session() as session:
        disabled = AuditEvent.action == AuditAction.USER_DISABLED
        assert await session.scalar(select(func.count(AuditEvent.id)).where(disabled)) == 1


async def test_the_system_hands_over(user: User, leaving: User, trade: Trade) -> None:
    async with trade.app.app_context():
        assert await hand_over_now(user=leaving, to=user) == (4, [])
    assert await owners(trade) == [[user.id], [user.id], [leaving.id, user.id], [user.id]]
    assert await notified(trade, user) == [("handed_over", "user", leaving.id)]


async def begin(trade: Trade, admin: User, leaving: User, to: User, *, disables: bool) -> str:
    """Begin a hand-over, and return the key of its run."""
    async with trade.session() as session:
        run, _is_new = await start_hand_over(
            session, actor=admin, user_id=leaving.id, to_id=to.id, disables=disables
        )
        return run.key


async def test_records_that_come_while_the_user_is_disabled_are_handed_over_too(
    admin: User, user: User, leaving: User, trade: Trade
) -> None:
    """A request that was under way then may give the user one more record."""
    key = await begin(trade, admin, leaving, user, disables=True)
    late = await trade.account(name="Late")
    async with trade.session() as session:
        added = update(Account).where(Account.id == late.id).values(owner_id=leaving.id)
        await session.execute(added)

    async with trade.app.app_context():
        await work_off(key)

    async with trade.session() as session:
        assert (
            await session.scalar(select(Account.owner_id).where(Account.id == late.id)) == user.id
        )
        done = await session.scalar(select(BulkRun).where(BulkRun.key == key))
        assert done is not None
        assert (done.state, done.done, len(done.ids)) == (RunState.DONE, 5, 5)


async def test_records_that_a_user_in_use_adds_during_a_hand_over_stay(
    admin: User, user: User, leaving: User, trade: Trade
) -> None:
    key = await begin(trade, admin, leaving, user, disables=False)
    late = await trade.account(actor=leaving, name="Late")

    async with trade.app.app_context():
        await work_off(key)

    async with trade.session() as session:
        owner_id = select(Account.owner_id).where(Account.id == late.id)
        assert await session.scalar(owner_id) == leaving.id


async def test_a_colleague_that_is_disabled_meanwhile_is_named(
    admin: User, user: User, leaving: User, trade: Trade
) -> None:
    before = await owners(trade)
    async with trade.session() as session:
        run, _is_new = await start_hand_over(
            session, actor=admin, user_id=leaving.id, to_id=user.id, disables=False
        )
    async with trade.session() as session:
        (await session.get_one(User, user.id)).is_active = False
    async with trade.app.app_context():
        await work_off(run.key)
    async with trade.session() as session:
        refused = (await session.get_one(BulkRun, run.id)).refused
    problem = f"{user.name} is disabled. Choose another user."
    assert [reason for _name, reason in refused] == [problem] * 4
    assert await owners(trade) == before


async def test_a_record_that_is_changed_at_the_same_moment_is_refused_in_words_of_a_list(
    user: User, trade: Trade
) -> None:
    account = await trade.account(actor=user)

    async def change(
        session: AsyncSession, actor: User | None, id_: int, _value: str | None
    ) -> None:
        row = await get_account(session, account_id=id_)
        await update_account(session, actor=actor, account=row, values={}, version=row.version - 1)

    action = replace(get_kind("accounts").actions["owner"], change=change)
    async with trade.session() as session:
        reason = await change_one(session, user, action, account.id, None, None)
    assert reason == "Another user changed it at the same moment. Start the change again for it."
