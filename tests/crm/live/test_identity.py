"""Who may be connected to ``/ws``, and how soon they are gone when they may not stay."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import select

from quarterdeck.login import hash_password
from quarterdeck.testing import recorded_statements
from quarterdeck_crm.auth.services import delete_browser_sessions
from quarterdeck_crm.extensions import db, hub, sessions
from quarterdeck_crm.live.identity import find_staying
from quarterdeck_crm.models import Note, Role, Scope, User
from quarterdeck_crm.team import services as team
from quarterdeck_crm.team.checks import UserData
from quarterdeck_crm.tokens.services import create_token, revoke_token
from tests.crm.conftest import Auth, MakeUser
from tests.kit.sockets.app import Client

pytestmark = pytest.mark.feature("WS3", "S3")

SOON = 1.0  # told by the hub; the check that runs every so often takes longer here
NEVER = {"SOCKETS_RECHECK_SECONDS": 3600}


@pytest.fixture
def settings() -> dict[str, Any]:
    return dict(NEVER)


@asynccontextmanager
async def live(client: Any, **options: Any) -> AsyncIterator[Client]:
    async with client.websocket("/ws", **options) as connection:
        yield Client(connection)


@asynccontextmanager
async def watching(client: Any, **options: Any) -> AsyncIterator[Client]:
    """Connect, and be sure to be served."""
    async with live(client, **options) as connection:
        assert await is_served(connection)
        yield connection


async def is_served(client: Client) -> bool:
    await client.send("ping")
    return bool((await client.next())["type"] == "pong")


async def make_token(app: Quart, user: User, *scopes: Scope) -> tuple[int, str]:
    async with app.app_context(), db.transaction() as session:
        token, secret = await create_token(session, user=user, name="t", scopes=scopes)
    return token.id, secret


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


# --- who may come in ----------------------------------------------------------------


async def test_a_signed_in_person_hears_of_changes(app: Quart, auth: Auth) -> None:
    async with watching(auth.client) as client:
        for room in ("orders", "team"):
            assert (await client.subscribe(room))[-1]["type"] == "subscribed"
        async with app.app_context():
            await hub.publish("orders", "order.created", {"id": 1})
        assert (await client.next())["name"] == "order.created"


async def test_strangers_are_sent_away(app: Quart) -> None:
    async with live(app.test_client()) as client:
        assert await client.close_code() == 4401


async def test_rooms_of_things_that_are_not_there(auth: Auth, trade: Any) -> None:
    account = await trade.account()
    async with watching(auth.client) as client:
        assert (await client.subscribe(f"account:{account.id}"))[-1]["type"] == "subscribed"
        for room in ("account:999999", "order:999999", "account:999999999999999999"):
            assert (await client.subscribe(room))[-1]["code"] == "not_allowed"


@pytest.mark.parametrize(("scopes", "may_say"), [((Scope.READ,), False), (tuple(Scope), True)])
async def test_a_program_comes_with_a_token(
    app: Quart, user: User, scopes: tuple[Scope, ...], may_say: bool
) -> None:
    _, secret = await make_token(app, user, *scopes)
    async with watching(app.test_client(), headers=bearer(secret)) as client:
        await client.subscribe("orders")
        await client.send("say", room="orders", text="hello")
        assert ((await client.next()).get("name") == "said") is may_say


async def test_what_is_said_about_a_record_is_a_note_on_it(
    app: Quart, user: User, auth: Auth, trade: Any
) -> None:
    order = await trade.order()
    room = f"order:{order.id}"
    async with watching(auth.client) as client:
        await client.subscribe(room)
        await client.subscribe("orders")
        await client.send("say", room=room, text="a\x01b")
        assert (await client.next())["code"] == "bad_message"
        await client.send("say", room="orders", text="to nobody in particular")
        assert (await client.next())["name"] == "said"
        await client.send("say", room=room, text="Call back")
        heard = {(await client.next())["name"] for _ in range(3)}  # also in the room of the list
        assert heard == {"order.changed", "said"}
    async with app.app_context():
        note = (await db.session.scalars(select(Note))).one()
        assert (note.subject_type, note.subject_id) == ("order", order.id)
        assert (note.author_id, note.body) == (user.id, "Call back")


async def test_a_token_that_may_not_read(app: Quart, user: User) -> None:
    _, secret = await make_token(app, user, Scope.WRITE)
    async with live(app.test_client(), headers=bearer(secret)) as client:
        assert await client.close_code() == 4403


async def test_a_token_that_is_none(auth: Auth) -> None:
    """The browser session is not even asked."""
    async with live(auth.client, headers=bearer("qd_wrong")) as client:
        assert await client.close_code() == 4401


# --- who must go --------------------------------------------------------------------


async def ends_soon(client: Client) -> bool:
    async with asyncio.timeout(SOON):
        return await client.close_code() == 4401


@pytest.mark.hazard("a signed-out user's socket stays authorised")
async def test_signing_out_ends_this_browser_only(
    browser: Callable[[], Auth], auth: Auth, user: User
) -> None:
    phone = browser()
    await phone.login(user)
    async with watching(phone.client) as on_phone, watching(auth.client) as at_desk:
        await phone.logout()
        assert await ends_soon(on_phone)
        assert await is_served(at_desk)


@pytest.mark.parametrize("settings", [NEVER | {"SESSION_TYPE": "null"}])
async def test_signing_out_where_sessions_are_cookies(auth: Auth) -> None:
    """Nothing tells the browsers apart: all come back, and one of them does not get in."""
    async with watching(auth.client) as client:
        await auth.logout()
        assert await client.close_code() == 1012
    async with live(auth.client) as client:
        assert await client.close_code() == 4401


async def disable(user: User) -> None:
    async with db.transaction() as session:
        person = await team.get_user(session, user.id)
        await team.disable_user(session, user=person, actor=None)


async def change_password(user: User) -> None:
    hashed = await hash_password("another battery")
    async with db.transaction() as session:
        person = await team.get_user(session, user.id)
        await team.set_password(session, user=person, password_hash=hashed)


async def end_sessions(user: User) -> None:
    async with db.transaction() as session:
        await team.end_sessions(session, user=await team.get_user(session, user.id))


async def delete(user: User) -> None:
    async with db.transaction() as session:
        person = await team.get_user(session, user.id)
        await team.delete_user(session, user=person, actor=None)


ENDINGS = [disable, change_password, end_sessions, delete]


@pytest.mark.parametrize("ending", ENDINGS)
async def test_what_ends_a_browser_session_ends_its_connection(
    app: Quart, auth: Auth, user: User, as_admin: Auth, ending: Any
) -> None:
    async with watching(auth.client) as client, watching(as_admin.client) as other:
        async with app.app_context():
            await ending(user)
        assert await ends_soon(client)
        assert await is_served(other)


@pytest.mark.parametrize("settings", [{"SOCKETS_RECHECK_SECONDS": 0.05}])
async def test_a_deleted_session_is_noticed(app: Quart, auth: Auth, user: User) -> None:
    """By the check alone: nobody told the hub."""
    async with watching(auth.client) as client:
        async with app.app_context():
            await delete_browser_sessions(user)
        assert await ends_soon(client)


async def test_a_revoked_token_ends_its_connections_only(
    app: Quart, user: User, auth: Auth
) -> None:
    token_id, secret = await make_token(app, user, *Scope)
    async with (
        watching(app.test_client(), headers=bearer(secret)) as program,
        watching(auth.client) as browser,
    ):
        async with app.app_context(), db.transaction() as session:
            await revoke_token(session, token_id=token_id)
        assert await ends_soon(program)
        assert await is_served(browser)


async def test_a_disabled_persons_token_ends(app: Quart, user: User) -> None:
    _, secret = await make_token(app, user, *Scope)
    async with watching(app.test_client(), headers=bearer(secret)) as program:
        async with app.app_context():
            await disable(user)
        assert await ends_soon(program)


async def test_a_new_role_has_the_rooms_asked_again(
    app: Quart, auth: Auth, user: User, trade: Any
) -> None:
    account = await trade.account()
    async with watching(auth.client) as client:
        await client.subscribe(f"account:{account.id}")
        async with app.app_context(), db.transaction() as session:
            person = await team.get_user(session, user.id)
            await db.session.delete(await db.session.get(type(account), account.id))
            data = UserData(email=user.email, name=user.name, role=Role.MODERATOR)
            await team.edit_user(session, user=person, data=data)
        assert (await client.next())["code"] == "not_allowed"
        assert await is_served(client)


async def test_many_are_looked_at_in_three_queries(
    app: Quart, make_user: MakeUser, browser: Callable[[], Auth]
) -> None:
    users = [await make_user(Role.USER, f"p{number}@example.com") for number in range(3)]
    async with everybody_connected(app, browser, users) as members, app.app_context():
        with recorded_statements(db) as statements:
            assert await find_staying(members) == set(members)
        assert len(members) == 6
        assert sum(each.startswith("SELECT") for each in statements) == 3
        await sessions.end(users[0].id)
        assert len(await find_staying(members)) == 5


@asynccontextmanager
async def everybody_connected(
    app: Quart, browser: Callable[[], Auth], users: list[User]
) -> AsyncIterator[list[Any]]:
    """A browser and a program of everybody."""
    secrets = [(await make_token(app, user, Scope.READ))[1] for user in users]
    browsers = [browser() for _ in users]
    for each, user in zip(browsers, users, strict=True):
        await each.login(user)
    async with (
        watching(browsers[0].client),
        watching(browsers[1].client),
        watching(browsers[2].client),
        watching(app.test_client(), headers=bearer(secrets[0])),
        watching(app.test_client(), headers=bearer(secrets[1])),
        watching(app.test_client(), headers=bearer(secrets[2])),
    ):
        yield [connection.member for connection in app.extensions["sockets"].connections]


# --- db sessions --------------------------------------------------------------------


@pytest.mark.hazard("a db session for the life of a socket")
async def test_an_open_socket_holds_no_database_connection(
    app: Quart, auth: Auth, trade: Any
) -> None:
    account = await trade.account()
    async with watching(auth.client) as client, app.app_context():
        await client.subscribe(f"account:{account.id}")
        assert await is_served(client)
        pool: Any = db.engine.pool
        assert pool.checkedout() == 0
