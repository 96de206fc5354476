"""The outbox of the CRM: its page, its relay, and what is unsafe."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from quarterdeck_crm.models import User
from tests.crm.conftest import Auth
from tests.smtp import MailServer, mail_server

from .conftest import SENDS

pytestmark = pytest.mark.feature("E2")


@pytest.fixture
def smtp() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def settings(smtp: MailServer) -> dict[str, Any]:
    return SENDS | {
        "MAIL_BACKEND": "smtp",
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": smtp.port,
        "MAIL_OUTBOX_RELAY": True,
        "MAIL_OUTBOX_POLL_SECONDS": 0.05,
        "MAIL_OUTBOX_RETRY_SECONDS": 0.05,
    }


async def page_of(auth: Auth, text: str) -> str:
    """Reload the page until it shows a text: no event tells of what the relay does."""
    async with asyncio.timeout(30):
        while True:
            page = await (await auth.get("/mail/")).get_data(as_text=True)
            if text in page:
                return page
            await asyncio.sleep(0.02)


async def test_refused_mail_is_shown_and_sent_again(
    as_admin: Auth, admin: User, user: User, smtp: MailServer
) -> None:
    auth = as_admin
    smtp.refused[user.email] = "550 unknown mailbox"
    await auth.post(f"/team/{user.id}/invite")
    page = await page_of(auth, "550 unknown mailbox")
    assert user.email in page
    assert "/auth/reset/" not in page  # the text of the mail is not for other eyes

    smtp.refused.clear()
    assert (await auth.post("/mail/1/retry")).location == "/mail/"
    notice, received = await asyncio.to_thread(smtp.wait_for, 2)
    assert notice.recipients == [admin.email]
    assert received.recipients == [user.email]
    await page_of(auth, "No mail waits")
    assert (await auth.post("/mail/1/retry")).location == "/mail/"  # gone meanwhile
    assert (await auth.post("/mail/1/delete")).location == "/mail/"
    for after in ("99999999999999999999", "1_0", "-1", "x"):
        assert (await auth.get(f"/mail/?after={after}")).status_code == 200


async def test_no_page_waits_for_the_mail_server(
    as_admin: Auth, user: User, smtp: MailServer
) -> None:
    auth = as_admin
    await auth.token()
    smtp.answers["MAIL"] = "silence"
    async with asyncio.timeout(20):  # MAIL_TIMEOUT is 30
        await auth.post(f"/team/{user.id}/invite")
    await asyncio.to_thread(smtp.wait_for_trouble)

    assert (await auth.post("/mail/1/delete")).location == "/mail/"
    await page_of(auth, "Waiting")  # a relay is sending it: it cannot be deleted now
    smtp.stop()  # so that the relay does not wait


async def test_only_administrators_see_it(as_moderator: Auth) -> None:
    for path in ("/mail/1/retry", "/mail/1/delete"):
        assert (await as_moderator.post(path)).status_code == 403
    assert (await as_moderator.get("/mail/")).status_code == 403
