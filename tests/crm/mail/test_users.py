"""Mail about accounts of users: invitation, new password, welcome, news for administrators."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest
from quart import Quart

from quarterdeck.mail import Message
from quarterdeck_crm import create_app
from quarterdeck_crm.extensions import mail
from quarterdeck_crm.models import User
from tests.crm.conftest import PASSWORD, Auth, MakeUser

from .conftest import SENDS

pytestmark = pytest.mark.feature("E2", "AP3")

PERSON = {
    "name": "Ada Anker",
    "email": "ada@example.com",
    "role": "User",
    "kind": "standard",
    "balance": "0",
}
LINK = re.compile(r"https://crm\.example\.com/desk(/auth/reset/\S+)")
NEW = {"password": "another good horse", "again": "another good horse"}


def link_in(message: Message) -> str:
    """The path of the link in both bodies."""
    assert message.body is not None
    assert message.html is not None
    found = LINK.search(message.body)
    assert found
    assert found[0] in message.html
    return found[1]


async def background(app: Quart) -> None:
    """Wait for the work after the answers."""
    await asyncio.gather(*app.background_tasks)


async def test_an_invitation(
    app: Quart, as_admin: Auth, browser: Callable[[], Auth], sent: list[Message]
) -> None:
    answer = await as_admin.post("/team/new", **PERSON)
    assert answer.status_code == 303

    (invitation,) = sent
    assert invitation.recipients == [("Ada Anker", "ada@example.com")]
    path, someone = link_in(invitation), browser()
    assert (await someone.post(path, page=path, **NEW)).status_code == 303
    assert (await browser().get(path)).status_code == 410

    assert [message.subject for message in sent[1:]] == ["Welcome to Quarterdeck"]


async def test_a_link_is_mailed_again(as_admin: Auth, user: User, sent: list[Message]) -> None:
    assert (await as_admin.post(f"/team/{user.id}/invite")).location == f"/team/{user.id}"
    link_in(sent[0])
    page = await (await as_admin.get(f"/team/{user.id}")).get_data(as_text=True)
    assert "Mail a sign-in link" in page


async def test_a_lost_password(
    app: Quart, browser: Callable[[], Auth], user: User, sent: list[Message]
) -> None:
    other = browser()
    await other.sign_in(user)
    someone = browser()
    answer = await someone.post("/auth/reset", page="/auth/reset", email=user.email.upper())
    await background(app)

    assert answer.location == "/auth/login"
    (mailed,) = sent
    path = link_in(mailed)
    assert (await someone.post(path, page=path, **NEW)).status_code == 303
    assert (await browser().login(user, NEW["password"])).status_code == 303
    assert (await other.get("/auth/profile")).status_code == 401
    assert (await browser().get(path)).status_code == 410


async def test_nobody_learns_who_has_an_account(
    app: Quart, browser: Callable[[], Auth], make_user: MakeUser, user: User, sent: list[Message]
) -> None:
    disabled = await make_user(email="out@example.com", is_active=False)
    answers = set()
    for email in (user.email, disabled.email, "nobody@example.com"):
        someone = browser()
        answer = await someone.post("/auth/reset", page="/auth/reset", email=email)
        page = await (await someone.get(answer.location)).get_data(as_text=True)
        answers.add((answer.status_code, answer.location, "a link is on its way" in page))
    await background(app)

    assert answers == {(303, "/auth/login", True)}
    assert [message.recipients for message in sent] == [[(user.name, user.email)]]


async def test_the_host_of_the_request_is_no_link(
    app: Quart, user: User, sent: list[Message]
) -> None:
    """A stranger who asks for the mail of a user chooses the Host header."""
    someone = Auth(app.test_client())
    token = await someone.token("/auth/reset")
    await someone.client.post(
        "/auth/reset",
        form={"email": user.email, "csrf_token": token},
        headers={"Host": "evil.example"},
    )
    await background(app)
    assert all("evil" not in message.as_string() for message in sent)


class TestLimited:
    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        return SENDS | {"RATELIMIT_ENABLED": True, "LIMIT_RESET_MAIL": "2/hour"}

    async def test_mail_to_one_address_is_limited(
        self, app: Quart, browser: Callable[[], Auth], user: User, sent: list[Message]
    ) -> None:
        codes = [
            (await browser().post("/auth/reset", page="/auth/reset", email=email)).status_code
            for email in (user.email, user.email.upper(), user.email, "other@example.com")
        ]
        await background(app)
        assert codes == [303, 303, 429, 303]
        assert len(sent) == 2


class TestOpenRegistration:
    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        return SENDS | {"REGISTRATION_OPEN": True}

    async def test_a_newcomer(
        self, browser: Callable[[], Auth], admin: User, make_user: MakeUser, sent: list[Message]
    ) -> None:
        await make_user()  # is no administrator
        form = {"email": "new@example.com", "name": "New <b>User", "password": PASSWORD}
        await browser().post("/auth/register", page="/auth/register", again=PASSWORD, **form)

        welcome, news = sent
        assert welcome.recipients == [("New <b>User", "new@example.com")]
        assert news.recipients == [(admin.name, admin.email)]
        assert news.html is not None
        assert "New &lt;b&gt;User has registered" in news.html
        assert "new@example.com" in (news.body or "")
        assert "https://crm.example.com/desk/team/" in news.html


class TestWithoutMail:
    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        return {}

    async def test_the_link_of_the_administrator_stays(
        self, app: Quart, as_admin: Auth, browser: Callable[[], Auth], user: User
    ) -> None:
        answer = await as_admin.post("/team/new", **PERSON)
        page = await (await as_admin.get(answer.location)).get_data(as_text=True)
        assert "Make a sign-in link" in page
        assert "Mail a sign-in link" not in page
        page = await (await browser().get("/auth/reset")).get_data(as_text=True)
        assert "Ask an administrator" in page
        page = await (await as_admin.get("/auth/profile")).get_data(as_text=True)
        assert "colleagues" not in page
        async with app.app_context():
            assert (await mail.outbox.status()).waiting == 0


@pytest.mark.parametrize("missing", ["MAIL_DEFAULT_SENDER", "PUBLIC_URL"])
def test_what_mail_needs(missing: str, tmp_path: Any) -> None:
    with pytest.raises(ValueError, match=f"'{missing}' is "):
        create_app("testing", INSTANCE=str(tmp_path), **SENDS | {missing: None})
