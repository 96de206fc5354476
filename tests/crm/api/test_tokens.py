"""Tokens: the page, the command, and what a token opens."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import pytest
from quart import Quart
from quart.globals import request_ctx
from sqlalchemy import select, update

from quarterdeck_crm.errors import ValidationError
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import ApiToken, Scope, User
from quarterdeck_crm.models.columns import utc_now
from quarterdeck_crm.team.links import make_link_token
from quarterdeck_crm.team.services import disable_user, enable_user
from quarterdeck_crm.tokens.services import create_token
from tests.crm.conftest import PASSWORD, Auth, MakeUser

from .conftest import MakeToken, Program

CHOSEN = "another one, longer"
_SECRET = re.compile(r'value="(qd_[^"]+)"')


async def tokens(app: Quart) -> list[ApiToken]:
    async with app.app_context():
        return list(await db.session.scalars(select(ApiToken)))


async def make_on_the_page(auth: Auth, **form: Any) -> str:
    """Make a token on the page, and return it."""
    form = {"name": "Importer", "scopes": "read write", "days": "90"} | form
    response = await auth.post("/auth/tokens/", page="/auth/tokens/", **form)
    assert response.status_code == 201
    assert response.headers["Cache-Control"] == "no-store"
    found = _SECRET.search(await response.get_data(as_text=True))
    assert found
    return found.group(1)


@pytest.mark.feature("AP4")
async def test_a_token_made_on_the_page_works_and_is_shown_once(app: Quart, auth: Auth) -> None:
    secret = await make_on_the_page(auth)
    program = Program(app, secret)

    page = await (await auth.get("/auth/tokens/")).get_data(as_text=True)

    assert (await program.get("/accounts")).status_code == 200
    assert (await program.post("/accounts", {"name": "New"})).status_code == 201
    assert "Importer" in page
    assert secret not in page
    assert secret[:7] in page


async def test_only_the_hash_is_stored(app: Quart, auth: Auth) -> None:
    secret = await make_on_the_page(auth)

    (token,) = await tokens(app)

    assert len(secret) == len("qd_") + 43  # 256 bits
    assert all(secret not in str(value) for value in token.to_dict().values())


async def test_a_revoked_token_is_dead(app: Quart, auth: Auth) -> None:
    program = Program(app, await make_on_the_page(auth))
    (token,) = await tokens(app)

    await auth.post(f"/auth/tokens/{token.id}/revoke", page="/auth/tokens/")

    assert (await program.get("/accounts")).status_code == 401
    assert await tokens(app) == []


async def test_nobody_sees_or_revokes_the_tokens_of_others(
    app: Quart, auth: Auth, admin: User, make_token: MakeToken
) -> None:
    await make_token(admin)
    (token,) = await tokens(app)

    response = await auth.post(f"/auth/tokens/{token.id}/revoke", page="/auth/tokens/")
    page = await (await auth.get("/auth/tokens/")).get_data(as_text=True)

    assert response.status_code == 404
    assert token.hint not in page
    assert len(await tokens(app)) == 1


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({"name": ""}, "Enter a name."),
        ({"name": "x" * 81}, "80 characters"),
        ({"scopes": "everything"}, "Not a valid choice"),
        ({"days": "99999"}, "Not a valid choice"),
    ],
)
async def test_a_form_that_is_wrong_makes_no_token(
    app: Quart, auth: Auth, form: dict[str, str], problem: str
) -> None:
    values = {"name": "Importer", "scopes": "read", "days": ""} | form
    response = await auth.post("/auth/tokens/", page="/auth/tokens/", **values)

    assert response.status_code == 422
    assert problem in await response.get_data(as_text=True)
    assert await tokens(app) == []


@pytest.mark.parametrize(
    ("scope", "method", "status"),
    [
        (Scope.READ, "GET", 200),
        (Scope.READ, "POST", 403),
        (Scope.WRITE, "GET", 403),
        (Scope.WRITE, "POST", 201),
    ],
)
async def test_a_token_opens_what_its_scope_says(
    app: Quart, user: User, make_token: MakeToken, scope: Scope, method: str, status: int
) -> None:
    program = Program(app, await make_token(user, scope))
    body: dict[str, Any] = {"json": {"name": "New"}} if method == "POST" else {}

    response = await program.call(method, "/accounts", **body)

    assert response.status_code == status
    if status == 403:
        missing = "write" if scope is Scope.READ else "read"
        header = response.headers["WWW-Authenticate"]
        assert "insufficient_scope" in header
        assert f"scope={missing}" in header
        assert missing in (await response.get_json())["detail"]


async def test_a_disabled_person_has_no_tokens_at_once(
    app: Quart, user: User, make_token: MakeToken
) -> None:
    program = Program(app, await make_token(user))
    assert (await program.get("/accounts")).status_code == 200

    async with app.app_context(), db.transaction() as transaction:
        person = await transaction.get_one(User, user.id)
        await disable_user(transaction, user=person, actor=None)
    assert (await program.get("/accounts")).status_code == 401

    async with app.app_context(), db.transaction() as transaction:
        person = await transaction.get_one(User, user.id)
        await enable_user(transaction, user=person)
    assert (await program.get("/accounts")).status_code == 401, "revoked for good"


async def test_an_expired_token_is_dead(app: Quart, user: User, make_token: MakeToken) -> None:
    program = Program(app, await make_token(user, days=1))
    assert (await program.get("/accounts")).status_code == 200

    async with app.app_context(), db.transaction() as transaction:
        await transaction.execute(
            update(ApiToken).values(expires_at=utc_now() - timedelta(seconds=1))
        )

    assert (await program.get("/accounts")).status_code == 401


async def test_the_last_use_is_noted_but_not_every_one(
    app: Quart, user: User, make_token: MakeToken
) -> None:
    program = Program(app, await make_token(user))
    await program.get("/accounts")
    (first,) = await tokens(app)
    await program.get("/accounts")
    (second,) = await tokens(app)

    assert first.last_used_at is not None
    assert second.last_used_at == first.last_used_at


async def test_a_password_link_ends_tokens(
    app: Quart, user: User, make_token: MakeToken, browser: Callable[[], Auth]
) -> None:
    """A lost password may be in the hands of the person who made the tokens."""
    program = Program(app, await make_token(user))
    async with app.test_request_context("/"):
        path = f"/auth/reset/{make_link_token(user)}"

    answer = await browser().post(path, page=path, password=CHOSEN, again=CHOSEN)

    assert answer.status_code == 303
    assert (await program.get("/accounts")).status_code == 401


@pytest.mark.parametrize(("ticked", "status"), [({"keep_tokens": "y"}, 200), ({}, 401)])
async def test_a_change_of_ones_own_password_asks(
    app: Quart,
    user: User,
    auth: Auth,
    make_token: MakeToken,
    ticked: dict[str, str],
    status: int,
) -> None:
    program = Program(app, await make_token(user))
    page = await (await auth.get("/auth/password")).get_data(as_text=True)
    form = {"current": PASSWORD, "password": CHOSEN, "again": CHOSEN}

    answer = await auth.post("/auth/password", **form, **ticked)

    assert "Keep my API tokens" in page
    assert answer.status_code == 303
    assert (await program.get("/accounts")).status_code == status


@pytest.mark.parametrize(
    "header",
    ["Bearer qd_wrong", "Bearer ", "bearer qd_wrong", "Bearer \xff", "Bearer a b"],
)
async def test_a_wrong_token_is_401_also_with_a_good_session(auth: Auth, header: str) -> None:
    response = await auth.client.get("/api/v1/accounts", headers={"Authorization": header})

    assert response.status_code == 401
    assert "invalid_token" in response.headers["WWW-Authenticate"]
    assert response.mimetype == "application/problem+json"


async def test_another_kind_of_authorization_is_no_token(auth: Auth) -> None:
    response = await auth.client.get("/api/v1/accounts", headers={"Authorization": "Basic YTpi"})

    assert response.status_code == 200


async def test_a_token_opens_no_pages(app: Quart, user: User, make_token: MakeToken) -> None:
    headers = {"Authorization": f"Bearer {await make_token(user)}"}

    response = await app.test_client().get("/accounts/", headers=headers)

    assert response.status_code == 401


async def test_a_request_with_a_token_leaves_the_browser_session_alone(
    app: Quart, auth: Auth, admin: User, make_token: MakeToken
) -> None:
    seen: list[Any] = []

    @app.after_request
    async def look(response: Any) -> Any:
        mine = cast(Any, request_ctx)._session
        seen.append((mine.accessed, mine.modified))
        return response

    headers = {"Authorization": f"Bearer {await make_token(admin)}"}
    response = await auth.client.get("/api/v1/accounts", headers=headers)
    posted = await auth.client.post("/api/v1/accounts", json={"name": "New"}, headers=headers)

    assert (await posted.get_json())["owner_id"] == admin.id
    assert seen == [(False, False)] * 2
    for answer in (response, posted):
        assert "Set-Cookie" not in answer.headers
        assert "Cookie" not in answer.headers["Vary"]


@pytest.mark.feature("AP4", "W3")
async def test_the_browser_session_opens_the_api_with_its_csrf_token(auth: Auth) -> None:
    token = await auth.token()

    bare = await auth.client.post("/api/v1/accounts", json={"name": "New"})
    good = await auth.client.post(
        "/api/v1/accounts", json={"name": "New"}, headers={"X-CSRFToken": token}
    )

    assert bare.status_code == 400
    assert "security token" in (await bare.get_json())["detail"]
    assert good.status_code == 201


async def test_a_person_with_tokens_can_be_deleted(
    app: Quart, as_admin: Auth, make_user: MakeUser, make_token: MakeToken
) -> None:
    user = await make_user(email="new@example.com")
    await make_token(user)

    await as_admin.post(f"/team/{user.id}/delete")

    assert await tokens(app) == []


@pytest.mark.parametrize("days", [0, -1, 10**9])
async def test_a_lifetime_that_is_none(app: Quart, user: User, days: int) -> None:
    async with app.app_context():
        with pytest.raises(ValidationError, match="from 1 to 3650"):
            await create_token(db.session, user=user, name="Test", days=days)
