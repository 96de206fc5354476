"""Ten equal requests at the same moment: one of them does the work, the others are refused."""

from __future__ import annotations

import asyncio
import io
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import func, select
from werkzeug.datastructures import FileStorage

from quarterdeck_crm.errors import ConflictError, DomainError, NotFoundError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Account, ApiToken, Attachment, Note, OrderState, Role, User
from quarterdeck_crm.team import services as team
from quarterdeck_crm.tokens.services import create_token
from quarterdeck_crm.transfer.uploads import Phase, Upload, claim, save

from .conftest import PASSWORD, Auth, MakeUser
from .trading import Trade

pytestmark = pytest.mark.hazard("a check and a write that another request comes between")

TEN = 10


async def ten(post: Callable[[int], Awaitable[Any]]) -> list[Any]:
    return list(await asyncio.gather(*(post(number) for number in range(TEN))))


async def statuses(post: Callable[[int], Awaitable[Any]]) -> Counter[int]:
    return Counter(response.status_code for response in await ten(post))


async def post_ten(auth: Auth, path: str, **form: Any) -> Counter[int]:
    form["csrf_token"] = await auth.token()
    return await statuses(lambda _: auth.client.post(path, form=form))


async def signed_in(browsers: list[Auth]) -> int:
    return [(await b.get("/auth/profile")).status_code for b in browsers].count(200)


async def count(app: Quart, model: Any, *conditions: Any) -> int:
    async with app.app_context():
        statement = select(func.count()).select_from(model).where(*conditions)
        return await db.session.scalar(statement) or 0


async def test_a_password_link_works_once(
    as_admin: Auth, browser: Callable[[], Auth], user: User
) -> None:
    answer = await as_admin.post(f"/team/{user.id}/link")
    found = re.search(r"/auth/reset/[\w.\-]+", await answer.get_data(as_text=True))
    assert found
    path = found.group()
    browsers = [browser() for _ in range(TEN)]
    tokens = [await each.token(path) for each in browsers]

    async def use(number: int) -> Any:
        chosen = f"chosen by number {number}"
        form = {"password": chosen, "again": chosen, "csrf_token": tokens[number]}
        return await browsers[number].client.post(path, form=form)

    answers = await ten(use)

    assert Counter(a.status_code for a in answers) == {303: 1, 410: 9}
    assert await signed_in(browsers) == 1
    winner = [a.status_code for a in answers].index(303)
    assert (await browser().login(user, f"chosen by number {winner}")).status_code == 303
    late = await answers[winner - 1].get_data(as_text=True)
    assert "This link was used already" in late
    assert "get a new link" in late


async def test_ones_own_password_is_changed_once(browser: Callable[[], Auth], user: User) -> None:
    browsers = [browser() for _ in range(TEN)]
    for each in browsers:
        await each.login(user)
    tokens = [await each.token() for each in browsers]

    async def change(number: int) -> Any:
        chosen = f"chosen by number {number}"
        form = {"current": PASSWORD, "password": chosen, "again": chosen}
        form["csrf_token"] = tokens[number]
        return await browsers[number].client.post("/auth/password", form=form)

    answers = await ten(change)

    assert [a.status_code for a in answers].count(303) == 1
    assert await signed_in(browsers) == 1


@pytest.mark.parametrize("settings", [{"ADMIN": "first@example.com"}])
async def test_the_first_administrator_registers_once(
    app: Quart, browser: Callable[[], Auth]
) -> None:
    browsers = [browser() for _ in range(TEN)]
    form = {"email": "first@example.com", "name": "F", "password": PASSWORD, "again": PASSWORD}
    tokens = [await each.token("/auth/register") for each in browsers]

    async def register(number: int) -> Any:
        client = browsers[number].client
        return await client.post("/auth/register", form=form | {"csrf_token": tokens[number]})

    answers = await ten(register)

    assert [a.status_code for a in answers].count(303) == 1
    assert {a.status_code for a in answers} <= {303, 403, 422}
    assert await count(app, User) == 1
    assert await signed_in(browsers) == 1


@pytest.mark.parametrize("remove", [team.disable_user, team.delete_user])
async def test_one_administrator_stays(
    app: Quart, make_user: MakeUser, remove: Callable[..., Awaitable[None]]
) -> None:
    admins = [await make_user(Role.ADMIN, f"admin{n}@example.com") for n in range(TEN)]

    async def work(number: int) -> None:
        async with app.app_context(), db.transaction() as session:
            user = await team.get_user(session, admins[number].id)
            await remove(session, user=user, actor=admins[number - 1])

    outcomes = await asyncio.gather(*(work(n) for n in range(TEN)), return_exceptions=True)

    assert [type(o) for o in outcomes if o] == [ConflictError]
    assert await count(app, User, User.role == Role.ADMIN, User.is_active) == 1


async def test_an_administrator_who_was_promoted_in_between_stays(
    app: Quart, admin: User, user: User
) -> None:
    """The session that disables has read the user before the promotion."""
    async with app.app_context():
        await team.get_user(db.session, user.id)
        await db.session.release()
        async with db.new_session() as other, other.transaction():
            (await other.get_one(User, user.id)).role = Role.ADMIN
            (await other.get_one(User, admin.id)).role = Role.USER
        async with db.transaction() as session:
            found = await team.get_user(session, user.id)
            with pytest.raises(ConflictError, match="last active administrator"):
                await team.disable_user(session, user=found, actor=None)


async def test_a_user_is_deleted_once(app: Quart, as_admin: Auth, user: User) -> None:
    assert await post_ten(as_admin, f"/team/{user.id}/delete") == {303: 1, 404: 9}


async def test_a_token_is_revoked_once(app: Quart, auth: Auth, user: User) -> None:
    async with app.app_context(), db.transaction() as session:
        token, _ = await create_token(session, user=user, name="Importer")

    assert await post_ten(auth, f"/auth/tokens/{token.id}/revoke") == {303: 1, 404: 9}


async def test_a_disabled_user_has_no_tokens_afterwards(app: Quart, user: User) -> None:
    """Whichever comes first, the token or the end of the account."""

    async def make(_: int) -> None:
        async with app.app_context(), db.transaction() as session:
            await create_token(session, user=user, name="Importer")

    async def disable() -> None:
        async with app.app_context(), db.transaction() as session:
            found = await team.get_user(session, user.id)
            await team.disable_user(session, user=found, actor=None)

    made = [make(number) for number in range(TEN)]
    outcomes = await asyncio.gather(*made[:5], disable(), *made[5:], return_exceptions=True)

    assert {type(o) for o in outcomes if o} <= {ConflictError}
    assert await count(app, ApiToken) == 0
    with pytest.raises(ConflictError, match="is disabled"):
        await make(0)


async def test_a_note_is_removed_once(app: Quart, auth: Auth, trade: Trade) -> None:
    account = await trade.account()
    await auth.post(f"/notes/account/{account.id}", body="Call back")
    async with app.app_context():
        note_id = await db.session.scalar(select(Note.id))

    assert await post_ten(auth, f"/notes/{note_id}/remove") == {303: 1, 404: 9}
    assert (await trade.history(account)).count("note removed") == 1


async def test_a_file_is_removed_once(app: Quart, auth: Auth, trade: Trade) -> None:
    account = await trade.account()
    file = FileStorage(io.BytesIO(b"text"), filename="a.txt")
    await auth.client.post(
        f"/accounts/{account.id}/files",
        form={"csrf_token": await auth.token()},
        files={"file": file},
    )
    assert await count(app, Attachment) == 1

    assert await post_ten(auth, "/files/1/remove") == {303: 1, 404: 9}
    assert (await trade.history(account)).count("file removed") == 1


@pytest.mark.parametrize("verb", ["archive", "restore"])
async def test_an_account_is_archived_and_restored_once(
    auth: Auth, trade: Trade, verb: str
) -> None:
    account = await trade.account()
    if verb == "restore":
        await auth.post(f"/accounts/{account.id}/archive")

    answers = await post_ten(auth, f"/accounts/{account.id}/{verb}")

    assert set(answers) <= {303, 409}
    assert (await trade.history(account)).count(f"{verb}d") == 1


async def test_an_order_moves_once(auth: Auth, trade: Trade) -> None:
    good = await trade.good(stock=10)
    order = await trade.order((good, 3))

    answers = await post_ten(
        auth, f"/orders/{order.id}/move", to="confirmed", version=str(order.version)
    )

    assert answers[409] == 9, answers
    assert (await trade.history(order)).count("confirmed") == 1
    assert await trade.stock(good) == 7
    assert (await trade.read(order)).state is OrderState.CONFIRMED


async def test_an_import_is_started_or_removed_once(
    app: Quart, as_admin: Auth, admin: User
) -> None:
    upload = Upload("0" * 32, "accounts", ["a.csv"], admin.id, admin.name, phase=Phase.CHECKED)
    async with app.app_context():
        (upload.sources()[0].path.parent).mkdir(parents=True)
        upload.sources()[0].path.write_text("code,name\nA,Acme\n")
        await save(upload)
    token = await as_admin.token()

    async def post(number: int) -> Any:
        verb = "run" if number % 2 else "discard"
        path = f"/transfer/imports/{upload.id}/{verb}"
        return await as_admin.client.post(path, form={"csrf_token": token})

    answers = [response.status_code for response in await ten(post)]

    started, removed = answers[1::2].count(303), answers[::2].count(303)
    assert started == 1 or (started, removed) == (0, 1), answers
    assert set(answers) <= {303, 404, 409}
    if started:  # a report may be removed as soon as the import has ended, and not before
        for _ in range(200):
            if await count(app, Account):
                break
            await asyncio.sleep(0.05)
    assert await count(app, Account) == started


async def test_an_import_that_was_removed_cannot_start(app: Quart, admin: User) -> None:
    upload = Upload("1" * 32, "accounts", ["a.csv"], admin.id, admin.name, phase=Phase.CHECKED)
    async with app.app_context():
        with pytest.raises(NotFoundError) as caught:
            await claim(upload)
    assert isinstance(caught.value, DomainError)
