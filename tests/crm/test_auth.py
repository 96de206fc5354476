"""Signing in and out, registering, and what the pages of a stranger are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from quart import Quart, Response
from sqlalchemy import select, text

from quarterdeck.login import verify_password
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Role, User

from .conftest import PASSWORD, Auth, MakeUser

WRONG = "The e-mail address or the password is wrong."


@pytest.mark.feature("V3", "AP2")
async def test_signing_in_leads_to_the_page_asked_for(
    browser: Callable[[], Auth], user: User
) -> None:
    someone = browser()
    asked = await someone.get("/auth/profile", headers={"Accept": "text/html"})

    assert asked.status_code in {302, 303}
    assert asked.location.startswith("/auth/login?next=")
    answer = await someone.post(
        asked.location, page="/auth/login", email=user.email, password=PASSWORD
    )

    assert answer.location == "/auth/profile"
    assert (await someone.get("/auth/profile")).status_code == 200


@pytest.mark.parametrize(
    "next_url", ["https://evil.example/", "//evil.example/", "/\\evil.example"]
)
async def test_next_cannot_lead_off_site(
    browser: Callable[[], Auth], user: User, next_url: str
) -> None:
    someone = browser()

    answer = await someone.post(
        f"/auth/login?next={next_url}", page="/auth/login", email=user.email, password=PASSWORD
    )

    assert answer.location == "/"


@pytest.mark.feature("AP2")
async def test_unknown_wrong_and_disabled_sound_the_same(
    browser: Callable[[], Auth], user: User, make_user: MakeUser
) -> None:
    disabled = await make_user(email="out@example.com", is_active=False)
    pages = []
    for email, password in [
        (user.email, "wrong password"),
        ("nobody@example.com", PASSWORD),
        (disabled.email, PASSWORD),
    ]:
        answer = await browser().login(email, password)
        pages.append(await answer.get_data(as_text=True))
        assert answer.status_code == 422

    assert all(WRONG in page for page in pages)


async def test_unknown_takes_as_long_as_wrong(
    app: Quart, browser: Callable[[], Auth], user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both verify a hash: the stored one, or the one of nobody."""
    asked: list[str | None] = []

    async def spy(password_hash: str | None, password: str) -> bool:
        asked.append(password_hash)
        return await verify_password(password_hash, password)

    monkeypatch.setattr("quarterdeck_crm.auth.services.verify_password", spy)

    await browser().login(user, "wrong password")
    await browser().login("nobody@example.com", "wrong password")

    assert asked == [user.password_hash, None]


async def test_address_is_found_however_it_is_written(
    browser: Callable[[], Auth], user: User
) -> None:
    assert (await browser().login(f" {user.email.upper()} ")).status_code == 303


async def test_signing_out_needs_a_post_and_ends_the_session(auth: Auth) -> None:
    answer = await auth.logout()

    assert answer.location == "/auth/login"
    assert (await auth.get("/auth/profile")).status_code == 401


async def test_sign_in_gives_a_new_csrf_token(browser: Callable[[], Auth], user: User) -> None:
    someone = browser()
    before = await someone.token("/auth/login")
    await someone.login(user)

    refused = await someone.client.post(
        "/auth/profile", form={"csrf_token": before, "name": "Mallory"}
    )

    assert refused.status_code == 400


async def test_visitors_of_the_sign_in_page_leave_no_session(
    browser: Callable[[], Auth], app: Quart
) -> None:
    for _ in range(20):
        assert (await browser().get("/auth/login")).status_code == 200

    async with app.app_context():
        assert await db.session.scalar(text("SELECT count(*) FROM browser_session")) == 0


@pytest.mark.feature("W3")
@pytest.mark.parametrize("path", ["/auth/login", "/auth/logout", "/auth/password", "/team/new"])
async def test_post_without_token_is_refused(as_admin: Auth, path: str) -> None:
    answer = await as_admin.client.post(path, form={})

    assert answer.status_code == 400


async def test_remember_outlives_the_browser(browser: Callable[[], Auth], user: User) -> None:
    kept = await browser().login(user, remember="y")
    brief = await browser().login(user)

    def cookie(response: Response) -> str:
        sent = response.headers.getlist("Set-Cookie")
        return next(each for each in sent if each.startswith("crm="))

    assert "Expires=" in cookie(kept)
    assert "Expires=" not in cookie(brief)


# --- registering ----------------------------------------------------------------

NEW: dict[str, Any] = {
    "email": "New@Example.com",
    "name": "New User",
    "password": PASSWORD,
    "again": PASSWORD,
}


async def test_registration_is_closed_unless_opened(browser: Callable[[], Auth]) -> None:
    someone = browser()

    answer = await someone.post("/auth/register", page="/auth/login", **NEW)

    assert answer.status_code == 403
    assert "Registration is closed" in await answer.get_data(as_text=True)


@pytest.mark.parametrize("settings", [{"REGISTRATION_OPEN": True}])
async def test_registering_signs_in_as_an_ordinary_user(
    app: Quart, browser: Callable[[], Auth]
) -> None:
    someone = browser()

    answer = await someone.post("/auth/register", page="/auth/register", **NEW)

    assert answer.location == "/"
    assert (await _stored(app, "new@example.com")).role is Role.USER
    assert (await someone.get("/auth/profile")).status_code == 200


@pytest.mark.feature("W2")
@pytest.mark.parametrize("settings", [{"REGISTRATION_OPEN": True}])
@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"email": "not an address"}, "Enter an e-mail address such as"),
        ({"email": "user@example.com"}, "Another user has this address,"),
        ({"password": "short", "again": "short"}, "Choose a password of 10 to 128 characters."),
        ({"again": "another password"}, "The two passwords are not the same."),
        ({"name": "  "}, "Enter"),
    ],
)
async def test_registration_says_what_is_wrong_and_keeps_the_rest(
    browser: Callable[[], Auth], user: User, change: dict[str, str], text: str
) -> None:
    someone = browser()
    entered = NEW | {"name": "Ångström"} | change

    answer = await someone.post("/auth/register", page="/auth/register", **entered)

    page = await answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert text in page
    assert f'value="{entered["email"]}"' in page
    assert PASSWORD not in page


@pytest.mark.parametrize("settings", [{"ADMIN": "New@example.com"}])
async def test_named_administrator_registers_while_there_is_none(
    app: Quart, browser: Callable[[], Auth]
) -> None:
    newcomer = browser()
    first = await newcomer.post("/auth/register", page="/auth/register", **NEW)

    assert first.location == "/"
    assert (await _stored(app, "new@example.com")).role is Role.ADMIN
    board = await (await newcomer.get("/deals/board")).get_data(as_text=True)
    assert "Offer sent" in board, "a new installation has stages"


@pytest.mark.parametrize("settings", [{"ADMIN": "New@example.com"}])
async def test_named_administrator_means_nothing_once_there_is_one(
    browser: Callable[[], Auth], admin: User
) -> None:
    answer = await browser().post("/auth/register", page="/auth/login", **NEW)

    assert answer.status_code == 403


# --- one's own account ----------------------------------------------------------


@pytest.mark.feature("V2")
async def test_changing_the_password_ends_all_other_sessions(
    browser: Callable[[], Auth], auth: Auth, user: User
) -> None:
    elsewhere = browser()
    await elsewhere.login(user)

    answer = await auth.post(
        "/auth/password", current=PASSWORD, password="a new one, longer", again="a new one, longer"
    )

    assert answer.location == "/auth/profile"
    assert (await auth.get("/auth/profile")).status_code == 200
    assert (await elsewhere.get("/auth/profile")).status_code == 401
    assert (await browser().login(user, "a new one, longer")).status_code == 303
    assert (await browser().login(user)).status_code == 422


async def test_password_change_needs_the_current_one(auth: Auth) -> None:
    answer = await auth.post(
        "/auth/password", current="a guess", password="a new one, longer", again="a new one, longer"
    )

    assert answer.status_code == 422
    assert "This is not your current password." in await answer.get_data(as_text=True)


async def test_profile_is_saved_and_said_once(app: Quart, auth: Auth, user: User) -> None:
    answer = await auth.post("/auth/profile", name=" Uma  Usher ", phone="+86 138-1234 5678")

    assert answer.location == "/auth/profile"
    assert "Your profile is saved." in await _text(auth, "/auth/profile")
    assert "Your profile is saved." not in await _text(auth, "/auth/profile")
    saved = await _stored(app, user.email)
    assert (saved.name, saved.phone) == ("Uma Usher", "13812345678")


async def test_profile_cannot_raise_ones_own_role(app: Quart, auth: Auth, user: User) -> None:
    await auth.post("/auth/profile", name="Uma", phone="", role="Admin", is_active="")

    assert (await _stored(app, user.email)).role is Role.USER


async def test_reset_page_says_what_to_do(browser: Callable[[], Auth]) -> None:
    assert "administrator" in await _text(browser(), "/auth/reset")


async def _text(auth: Auth, path: str) -> str:
    return await (await auth.get(path)).get_data(as_text=True)


async def _stored(app: Quart, email: str) -> User:
    async with app.app_context():
        user = await db.session.scalar(select(User).where(User.email == email))
    assert user is not None
    return user


@pytest.mark.parametrize(
    "settings", [{}, {"SESSION_TYPE": "null"}, {"SESSION_TYPE": "filesystem"}], ids=str
)
async def test_sign_out_everywhere(browser: Callable[[], Auth], user: User) -> None:
    here, there = browser(), browser()
    await here.login(user)
    await there.login(user)

    answer = await here.post("/auth/logout-everywhere")

    assert answer.location == "/auth/login"
    assert "signed out on every device" in await (await here.get("/auth/login")).get_data(True)
    assert (await here.get("/auth/profile")).status_code == 401
    assert (await there.get("/auth/profile")).status_code == 401
    await here.login(user)
    assert (await here.get("/auth/profile")).status_code == 200


@pytest.mark.feature("AP2")
async def test_a_flood_of_wrong_passwords_leaves_the_pages_alone(
    browser: Callable[[], Auth], auth: Auth
) -> None:
    """Others neither wait for a database connection nor get an error."""
    stranger = browser()
    token = await stranger.token("/auth/login")
    form = {"email": "user@example.com", "password": "wrong", "csrf_token": token}

    async def sign_in() -> int:
        return (await stranger.client.post("/auth/login", form=form)).status_code

    flood = asyncio.gather(*(sign_in() for _ in range(200)))
    pages = []
    while not flood.done():
        pages.append((await auth.get("/accounts/")).status_code)
    statuses = set(await flood)

    assert set(pages) == {200}
    assert statuses <= {422, 503}


async def test_closed_registration_hashes_nothing(app: Quart, browser: Callable[[], Auth]) -> None:
    """Its answer must not cost a tenth of a second of a core."""
    app.config["REGISTRATION_OPEN"] = False
    app.extensions["login"].hasher._max_under_way = 0  # so that any hash would be a 503
    stranger = browser()
    form = {"email": "new@example.com", "name": "New", "password": PASSWORD, "again": PASSWORD}

    response = await stranger.post("/auth/register", page="/auth/login", **form)

    assert response.status_code == 403
