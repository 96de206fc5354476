"""The limits of the CRM: sign-in, links, tokens, the API, WebSockets, imports and exports."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from quart import Quart, Response
from quart.testing.connections import WebsocketResponseError

from quarterdeck.testing import recorded_statements
from quarterdeck_crm.config import CONFIG
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Role, User
from quarterdeck_crm.team.links import make_link_token
from quarterdeck_crm.tokens.services import create_token
from tests.crm.conftest import PASSWORD, Auth, MakeUser
from tests.kit.sockets.app import Client

pytestmark = pytest.mark.feature("AP6")

KEYS = [key.name for key in CONFIG if key.name.startswith("LIMIT_")]
HTML = {"Accept": "text/html"}
Browser = Callable[[], Auth]


@pytest.fixture
def settings() -> dict[str, Any]:
    """Two of everything, but for the sign-in, which has a test for each of its limits."""
    rates = dict.fromkeys(KEYS, "2/hour")
    many = {"LIMIT_SIGN_IN_ACCOUNT": "", "LIMIT_SIGN_IN_ADDRESS": ""}
    return {"RATELIMIT_ENABLED": True, "REGISTRATION_OPEN": True, **rates, **many}


async def sign_in(
    browser: Auth, email: str, password: str = PASSWORD, address: str = "192.0.2.1"
) -> Response:
    """Post the sign-in form from an address."""
    token = await browser.token("/auth/login")
    form = {"email": email, "password": password, "csrf_token": token}
    scope = {"client": (address, 1)}
    return await browser.client.post("/auth/login", form=form, scope_base=scope, headers=HTML)


async def test_failed_sign_ins_are_delayed_with_the_form_and_its_entries(
    browser: Browser, user: User
) -> None:
    for _ in range(5):
        assert (await sign_in(browser(), user.email, "wrong")).status_code == 422
    refused = await sign_in(browser(), user.email.upper())

    page = await refused.get_data(as_text=True)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "2"
    assert "Too many requests. Try again in 2 seconds." in page
    assert f'value="{user.email.upper()}"' in page
    assert (await sign_in(browser(), user.email, address="198.51.100.7")).status_code == 303


@pytest.mark.parametrize(
    ("settings", "elsewhere"),
    [
        ({"RATELIMIT_ENABLED": True, "LIMIT_SIGN_IN_ACCOUNT": "3/hour"}, True),
        ({"RATELIMIT_ENABLED": True, "LIMIT_SIGN_IN_ADDRESS": "3/hour"}, False),
    ],
    ids=["account", "address"],
)
async def test_rates_bound_guesses_but_not_for_a_device_that_signed_in(
    browser: Browser, user: User, elsewhere: bool
) -> None:
    owner = browser()
    assert (await sign_in(owner, user.email)).status_code == 303
    for n in range(2):
        email, address = (user.email, f"192.0.2.{n}") if elsewhere else (f"{n}@x.org", "192.0.2.1")
        assert (await sign_in(browser(), email, "wrong", address)).status_code == 422

    address = "198.51.100.7" if elsewhere else "192.0.2.1"
    refused = await sign_in(browser(), user.email, address=address)
    assert refused.status_code == 429
    assert 3000 < int(refused.headers["Retry-After"]) <= 3600
    await owner.logout()
    assert (await sign_in(owner, user.email, address=address)).status_code == 303


async def test_an_unknown_address_is_answered_like_a_known_one(
    app: Quart, browser: Browser, user: User
) -> None:
    """The same answers, and the same work: one hash and the same statements."""
    answers = []
    for email in (user.email, "nobody@example.com"):
        with recorded_statements(db, app) as statements:
            responses = [await sign_in(browser(), email, "wrong") for _ in range(6)]
        pages = [(await each.get_data(as_text=True)).replace(email, "?") for each in responses]
        texts = [page.partition("<form")[2].partition("csrf_token")[0] for page in pages]
        errors = [page.count("The e-mail address or the password is wrong.") for page in pages]
        kinds = [each.status_code for each in responses]
        answers.append((kinds, texts, errors, list(statements)))

    assert answers[0] == answers[1]
    assert answers[0][0] == [422] * 5 + [429]


async def test_registrations_are_limited_by_address(browser: Browser) -> None:
    auth = browser()
    form = {"name": "", "email": "", "password": "", "again": ""}
    kinds = [
        (await auth.post("/auth/register", page="/auth/register", **form)).status_code
        for _ in range(3)
    ]

    assert kinds == [422, 422, 429]


async def test_links_that_set_a_password_cannot_be_guessed_at_length(
    app: Quart, browser: Browser, user: User
) -> None:
    async with app.app_context():
        link = f"/auth/reset/{make_link_token(user)}"
    kinds = [(await browser().get(f"/auth/reset/{n}")).status_code for n in range(2)]

    assert kinds == [410, 410]
    assert (await browser().get(link)).status_code == 429


async def test_the_present_password_cannot_be_guessed_in_a_signed_in_browser(auth: Auth) -> None:
    form = {"current": "wrong", "password": "another long one", "again": "another long one"}
    kinds = [(await auth.post("/auth/password", **form)).status_code for _ in range(3)]

    assert kinds == [422, 422, 429]
    assert (await auth.get("/auth/password")).status_code == 200


async def test_tokens_are_limited_by_user_with_a_page(auth: Auth, browser: Browser) -> None:
    form = {"name": "", "scopes": "read", "days": "30"}
    for _ in range(2):
        assert (await auth.post("/auth/tokens/", **form)).status_code == 422
    form["csrf_token"] = await auth.token()
    refused = await auth.client.post("/auth/tokens/", form=form, headers=HTML)

    page = await refused.get_data(as_text=True)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] in {"3600", "3599", "3598"}
    assert refused.mimetype == "text/html"
    assert "Too many requests" in page
    assert "Try again in 60 minutes." in page


async def test_the_api_answers_with_a_problem_and_headers(
    app: Quart, browser: Browser, user: User, moderator: User
) -> None:
    """One count for all operations and tokens of a user."""
    secrets = [await make_token(app, user) for _ in range(2)]
    paths = ["/api/v1/accounts", "/api/v1/orders", "/api/v1/goods"]
    answers = [
        await app.test_client().get(path, headers={"Authorization": f"Bearer {secrets[n % 2]}"})
        for n, path in enumerate(paths)
    ]

    assert [each.status_code for each in answers] == [200, 200, 429]
    assert answers[0].headers["RateLimit-Policy"] == '"api/3600s";q=2;w=3600'
    assert answers[0].headers["RateLimit"].startswith('"api/3600s";r=1;t=3')
    problem = json.loads(await answers[2].get_data())
    assert answers[2].content_type == "application/problem+json"
    assert problem["status"] == 429
    assert problem["detail"] == "Too many requests. Try again in 60 minutes."
    assert int(answers[2].headers["Retry-After"]) > 3500
    other = {"Authorization": f"Bearer {await make_token(app, moderator)}"}
    assert (await app.test_client().get(paths[0], headers=other)).status_code == 200


async def test_invalid_tokens_are_limited_by_address(app: Quart, user: User) -> None:
    client = app.test_client()
    wrong = [{"Authorization": f"Bearer qd_{n}"} for n in range(3)]
    kinds = [(await client.get("/api/v1/accounts", headers=each)).status_code for each in wrong]

    assert kinds == [401, 401, 429]
    with pytest.raises(WebsocketResponseError) as refused:
        async with client.websocket("/ws", headers=wrong[0]) as connection:
            await connection.receive()
    assert refused.value.response.status_code == 429
    right = {"Authorization": f"Bearer {await make_token(app, user)}"}
    assert (await client.get("/api/v1/accounts", headers=right)).status_code == 200


async def test_handshakes_and_messages_are_limited_by_user(app: Quart, auth: Auth) -> None:
    """Messages over all WebSockets of the user together."""
    answers = []
    for _ in range(2):
        async with auth.client.websocket("/ws") as connection:
            client = Client(connection)
            await client.subscribe("team")
            for _ in range(2):
                await client.send("say", room="team", text="hello")
                answers.append(await client.next())
    with pytest.raises(WebsocketResponseError) as refused:
        async with auth.client.websocket("/ws") as connection:
            await connection.receive()

    kinds = [each.get("code", each["type"]) for each in answers]
    assert kinds == ["event", "event", "too_fast", "too_fast"]
    assert answers[3]["detail"] == "Too many requests. Try again in 60 minutes."
    assert refused.value.response.status_code == 429


async def test_imports_and_exports_are_limited_by_user(as_moderator: Auth) -> None:
    exports = [
        (await as_moderator.get(f"/transfer/export/{name}.csv")).status_code
        for name in ("accounts", "goods", "orders")
    ]
    imports = []
    for kind in ("accounts", "goods", "accounts"):
        token = await as_moderator.token()
        response = await as_moderator.client.post(
            f"/transfer/{kind}", form={"csrf_token": token, "file": ""}
        )
        imports.append(response.status_code)

    assert exports == [200, 200, 429]
    assert imports == [422, 422, 429]


async def test_a_registered_device_is_known_at_once(browser: Browser, make_user: MakeUser) -> None:
    await make_user(Role.ADMIN)
    newcomer = browser()
    form = {"name": "Ada", "email": "ada@example.com", "password": PASSWORD, "again": PASSWORD}
    await newcomer.post("/auth/register", page="/auth/register", **form)

    assert any(cookie.name == "device" for cookie in newcomer.client.cookie_jar or ())


async def make_token(app: Quart, user: User) -> str:
    async with app.app_context(), db.transaction() as session:
        return (await create_token(session, user=user, name="t"))[1]
