"""Users: who sees them, who changes them, and what must never happen."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from html import unescape

import pytest
from quart import Quart
from sqlalchemy import select, update

from quarterdeck_crm.errors import ConflictError, ValidationError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Account, Role, SavedView, User, UserKind
from quarterdeck_crm.team import services
from quarterdeck_crm.team.checks import UserData
from quarterdeck_crm.team.links import make_link_token
from quarterdeck_crm.team.phones import normalize_phone

from .conftest import Auth, MakeUser

PERSON = {
    "name": "Ada Anker",
    "email": "ada@example.com",
    "role": "Moderator",
    "kind": "manager",
    "department": "Sales",
    "phone": "138 1234 5678",
    "balance": "12,50",
}


@pytest.mark.feature("AP3")
async def test_administrator_adds_somebody(app: Quart, as_admin: Auth) -> None:
    answer = await as_admin.post("/team/new", **PERSON)

    ada = await _stored(app, "ada@example.com")
    assert answer.location == f"/team/{ada.id}"
    assert (ada.name, ada.role, ada.kind) == ("Ada Anker", Role.MODERATOR, UserKind.MANAGER)
    assert (ada.department, ada.phone, str(ada.balance)) == ("Sales", "13812345678", "12.500")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"email": "admin@example.com"}, "Another user has this address,"),
        ({"email": "ada@"}, "Enter an e-mail address such as"),
        ({"phone": "12345"}, "not a phone number"),
        ({"role": "Emperor"}, "Invalid Choice"),
        ({"balance": "much"}, "Enter a number"),
        ({"name": "x" * 121}, "120"),
    ],
)
async def test_form_says_what_is_wrong_and_keeps_the_rest(
    as_admin: Auth, change: dict[str, str], text: str
) -> None:
    answer = await as_admin.post("/team/new", **PERSON | change)

    page = await answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert text in page
    assert 'value="Sales"' in page


async def test_editing_shows_and_saves(app: Quart, as_admin: Auth, user: User) -> None:
    page = await _text(as_admin, f"/team/{user.id}/edit")
    answer = await as_admin.post(f"/team/{user.id}/edit", **PERSON)

    assert f'value="{user.email}"' in page
    assert answer.location == f"/team/{user.id}"
    assert (await _stored(app, "ada@example.com")).id == user.id


async def test_refused_edit_shows_the_form_again(as_admin: Auth, user: User) -> None:
    """The page needs the user and the administrator after the rollback."""
    answer = await as_admin.post(f"/team/{user.id}/edit", **PERSON | {"email": "admin@example.com"})

    assert answer.status_code == 422
    assert "Another user has this address," in await answer.get_data(as_text=True)


async def test_a_link_is_not_mailed_without_mail(as_admin: Auth, user: User) -> None:
    answer = await as_admin.post(f"/team/{user.id}/invite")

    assert answer.status_code == 409
    assert "This CRM sends no mail." in await answer.get_data(as_text=True)


@pytest.mark.feature("V4")
@pytest.mark.parametrize("path", ["new", "{id}/edit", "{id}/disable", "{id}/delete", "{id}/link"])
async def test_only_administrators_change_the_team(
    app: Quart, as_moderator: Auth, user: User, path: str
) -> None:
    answer = await as_moderator.post(f"/team/{path.format(id=user.id)}", **PERSON)

    assert answer.status_code == 403
    assert (await _stored(app, user.email)).is_active


async def test_balance_is_for_the_person_and_administrators(
    auth: Auth, as_admin: Auth, user: User, admin: User
) -> None:
    assert "Balance" in await _text(auth, f"/team/{user.id}")
    assert "Balance" not in await _text(auth, f"/team/{admin.id}")
    assert "Balance" in await _text(as_admin, f"/team/{user.id}")


@pytest.mark.feature("AP2")
async def test_disabled_person_is_out_of_every_session_at_once(
    as_admin: Auth, browser: Callable[[], Auth], user: User
) -> None:
    sessions = [browser() for _ in range(3)]
    for session in sessions:
        await session.login(user, remember="y")

    answer = await as_admin.post(f"/team/{user.id}/disable")

    assert answer.status_code in {302, 303}
    assert [(await s.get("/auth/profile")).status_code for s in sessions] == [401] * 3
    assert (await browser().login(user)).status_code == 422


async def test_enabled_person_signs_in_again_but_old_sessions_stay_dead(
    as_admin: Auth, browser: Callable[[], Auth], user: User
) -> None:
    before = browser()
    await before.login(user)
    await as_admin.post(f"/team/{user.id}/disable")

    await as_admin.post(f"/team/{user.id}/enable")

    assert (await before.get("/auth/profile")).status_code == 401
    assert (await browser().login(user)).status_code == 303


@pytest.mark.feature("AP2")
async def test_deleted_person_is_out_at_once(
    as_admin: Auth, browser: Callable[[], Auth], user: User
) -> None:
    session = browser()
    await session.login(user)

    answer = await as_admin.post(f"/team/{user.id}/delete")

    assert answer.location == "/team/"
    assert (await session.get("/auth/profile")).status_code == 401
    assert (await as_admin.get(f"/team/{user.id}")).status_code == 404


async def test_person_with_accounts_is_disabled_not_deleted(
    app: Quart, as_admin: Auth, user: User
) -> None:
    async with app.app_context(), db.transaction() as session:
        session.add(Account(name="Ernst Handel", owner_id=user.id))

    answer = await as_admin.post(f"/team/{user.id}/delete")

    assert answer.status_code == 409
    assert "Disable this user instead." in await answer.get_data(as_text=True)
    assert (await _stored(app, user.email)).is_active


async def test_a_user_who_shares_views_is_not_deleted_with_them(
    app: Quart, as_admin: Auth, moderator: User
) -> None:
    async with app.app_context(), db.transaction() as session:
        for position, (name, is_shared) in enumerate((("Wine", True), ("Mine", False))):
            values = {"name": name, "is_shared": is_shared, "position": position}
            session.add(SavedView(page="goods", owner_id=moderator.id, arguments="", **values))

    refused = await as_admin.post(f"/team/{moderator.id}/delete")
    page = await refused.get_data(as_text=True)

    assert refused.status_code == 409
    assert "shares views with the team: Wine. Delete them first" in page
    async with app.app_context(), db.transaction() as session:
        await session.execute(update(SavedView).values(is_shared=False))
    assert (await as_admin.post(f"/team/{moderator.id}/delete")).location == "/team/"


@pytest.mark.parametrize("verb", ["disable", "delete"])
async def test_administrators_cannot_remove_themselves(
    as_admin: Auth, admin: User, make_user: MakeUser, verb: str
) -> None:
    await make_user(Role.ADMIN, "second@example.com")

    answer = await as_admin.post(f"/team/{admin.id}/{verb}")

    assert answer.status_code == 409
    assert f"You cannot {verb} yourself." in await answer.get_data(as_text=True)


async def test_last_administrator_stays_one(app: Quart, as_admin: Auth, admin: User) -> None:
    answer = await as_admin.post(f"/team/{admin.id}/edit", **PERSON)

    page = await answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "last active administrator" in page
    assert 'value="Ada Anker"' in page
    assert (await _stored(app, admin.email)).role is Role.ADMIN


async def test_last_active_administrator_counts_not_disabled_ones(
    app: Quart, admin: User, make_user: MakeUser
) -> None:
    await make_user(Role.ADMIN, "second@example.com", is_active=False)

    async with app.app_context():
        user = await services.get_user(db.session, admin.id)
        with pytest.raises(ConflictError, match="last active administrator"):
            await services.disable_user(db.session, user=user, actor=None)


async def test_two_administrators_cannot_disable_each_other_at_once(
    app: Quart, admin: User, make_user: MakeUser
) -> None:
    second = await make_user(Role.ADMIN, "second@example.com")

    async def disable(user: User, actor: User) -> None:
        async with app.app_context(), db.transaction() as session:
            found = await services.get_user(session, user.id)
            await services.disable_user(session, user=found, actor=actor)

    outcomes = await asyncio.gather(
        disable(admin, second), disable(second, admin), return_exceptions=True
    )

    assert [type(outcome) for outcome in outcomes if outcome] == [ConflictError]


# --- links that set a password ---------------------------------------------------


async def test_link_sets_a_password_once(
    as_admin: Auth, browser: Callable[[], Auth], user: User
) -> None:
    path = await _link(as_admin, user)
    fields = {"password": "chosen by herself", "again": "chosen by herself"}
    holder = browser()

    first = await holder.post(path, page=path, **fields)
    second = await browser().get(path)

    assert first.location == "/"
    assert (await holder.get("/auth/profile")).status_code == 200
    assert second.status_code == 410
    assert (await browser().login(user, "chosen by herself")).status_code == 303


async def test_link_of_a_disabled_person_is_dead(
    as_admin: Auth, browser: Callable[[], Auth], user: User
) -> None:
    path = await _link(as_admin, user)
    await as_admin.post(f"/team/{user.id}/disable")

    assert (await browser().get(path)).status_code == 410


@pytest.mark.parametrize("token", ["x", "WzEsMV0.aaaa.bbbb"])
async def test_forged_link_is_refused(browser: Callable[[], Auth], user: User, token: str) -> None:
    assert (await browser().get(f"/auth/reset/{token}")).status_code == 410


async def test_old_link_is_refused(app: Quart, browser: Callable[[], Auth], user: User) -> None:
    async with app.app_context():
        token = make_link_token(user, seconds=-1)

    assert (await browser().get(f"/auth/reset/{token}")).status_code == 410


# --- finding users ---------------------------------------------------------------


@pytest.mark.feature("AP3")
async def test_list_searches_sorts_filters_and_pages(auth: Auth, make_user: MakeUser) -> None:
    await make_user(Role.ADMIN, "zoe@example.com", name="Zoë Zander", department="Sales")
    await make_user(Role.USER, "al@example.com", name="Al 100%", phone="13812345678")
    await make_user(Role.USER, "bo@example.com", name="Bo", is_active=False)

    assert await _names(auth, "q=zander") == ["Zoë Zander"]
    assert await _names(auth, "q=SALES") == ["Zoë Zander"]
    assert await _names(auth, "q=100%25") == ["Al 100%"]
    assert await _names(auth, "q=138-1234-5678") == ["Al 100%"]
    assert await _names(auth, "sort=-name") == ["Zoë Zander", "User", "Bo", "Al 100%"]
    assert await _names(auth, "role=Admin") == ["Zoë Zander"]
    assert await _names(auth, "state=disabled") == ["Bo"]
    assert await _names(auth, "per_page=1&page=2") == ["Bo"]
    assert await _names(auth, "sort=nonsense&role=nonsense&page=x") == [
        *("Al 100%", "Bo", "User", "Zoë Zander")
    ]


@pytest.mark.feature("R3")
async def test_mobile_number_leads_to_its_owner(auth: Auth, make_user: MakeUser) -> None:
    al = await make_user(email="al@example.com", phone="13812345678")

    assert (await auth.get("/team/phone/13812345678")).location == f"/team/{al.id}"
    assert (await auth.get("/team/phone/13912345678")).status_code == 404
    assert (await auth.get("/team/phone/12345678901")).status_code == 404


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("13812345678", "13812345678"),
        ("+86 138-1234-5678", "13812345678"),
        ("+49 (30) 90 18 20", "+4930901820"),
        ("+86 10 6552 9988", "+861065529988"),
    ],
)
def test_phone_numbers_have_one_form(typed: str, stored: str) -> None:
    assert normalize_phone(typed) == stored


@pytest.mark.parametrize(
    "typed",
    [
        "12812345678",
        "030 901820",
        "+0123456789",
        "+" + "1" * 16,
        "call me",
        "１３８１２３４５６７８",
    ],
)
def test_what_cannot_be_dialled_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="not a phone number"):
        normalize_phone(typed)


async def test_two_people_cannot_share_an_address(app: Quart, user: User) -> None:
    data = UserData(email=user.email.upper(), name="Twin")

    async with app.app_context():
        with pytest.raises(ValidationError, match="has this address"):
            await services.create_user(db.session, data=data)


async def _names(auth: Auth, query: str) -> list[str]:
    page = await _text(auth, f"/team/?{query}")
    return [unescape(name) for name in re.findall(r'href="/team/\d+">([^<]+)</a>', page)]


async def _link(as_admin: Auth, user: User) -> str:
    answer = await as_admin.post(f"/team/{user.id}/link")
    found = re.search(r"/auth/reset/[\w.\-]+", await answer.get_data(as_text=True))
    assert found
    return found.group()


async def _text(auth: Auth, path: str) -> str:
    return await (await auth.get(path)).get_data(as_text=True)


async def _stored(app: Quart, email: str) -> User:
    async with app.app_context():
        user = await db.session.scalar(select(User).where(User.email == email))
    assert user is not None
    return user
