"""Clients that send slowly hold no database connection, whatever they send to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import pytest
from quart import Quart

from quarterdeck.app.body import Body
from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import User
from tests.policies.test_access import UNSAFE, example, pages

from .api.conftest import API, MakeToken
from .api.conftest import make_token as make_token
from .conftest import Auth
from .trading import Trade

MULTIPART = (
    "multipart/form-data; boundary=b",
    b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nA',
)
URLENCODED = ("application/x-www-form-urlencoded", b"name=A&")
JSON = ("application/json", b'{"name": "A')


class WatchedBody(Body):
    """A body that tells a test when the app waits for more of it."""

    waits: asyncio.Event

    def connect(self, receive: Any, on_disconnect: Any) -> None:
        async def watched() -> Any:
            if self._received:  # the first piece is there
                self.waits.set()
            return await receive()

        super().connect(watched, on_disconnect)


def writes(app: Quart) -> Iterator[tuple[str, str]]:
    """Every method and path that takes a body."""
    for rule, _view in pages(app):
        for method in sorted((rule.methods or set()) & UNSAFE):
            yield method, example(rule, "1")


async def is_released(app: Quart) -> bool:
    """Whether the app, which begins to wait, gives its connection back: a server takes a moment."""
    async with app.app_context():
        for _ in range(500):
            status = db.pool_status()
            assert status is not None
            if not status.checked_out:
                return True
            await asyncio.sleep(0.01)
    return False


@pytest.mark.feature("D7")
@pytest.mark.parametrize(
    ("kind", "by", "least"),
    [
        pytest.param(MULTIPART, "session", 18, id="multipart"),
        pytest.param(URLENCODED, "session", 18, id="urlencoded"),
        pytest.param(JSON, "session", 8, id="JSON"),
        pytest.param(JSON, "token", 8, id="JSON with a token"),
    ],
)
async def test_no_write_holds_a_connection_while_its_body_arrives(
    app: Quart,
    as_admin: Auth,
    admin: User,
    trade: Trade,
    make_token: MakeToken,
    kind: tuple[str, bytes],
    by: str,
    least: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await trade.order((await trade.good(), 1), actor=admin)
    headers = {"X-CSRFToken": await as_admin.token(), "Content-Type": kind[0]}
    jar = as_admin.client.cookie_jar
    headers["Cookie"] = "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar or ())
    if by == "token":
        secret = await make_token(admin)
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": kind[0]}
    monkeypatch.setattr(app.request_class, "body_class", WatchedBody)
    monkeypatch.setattr("quarterdeck.app.client_watch.WATCH_AFTER", 60)  # only the view may wait
    waited = set()
    for method, path in writes(app):
        if by == "token" and not path.startswith(API):
            continue
        if path.startswith("/auth/logout"):
            continue  # reads no body, and the session is needed for the others
        WatchedBody.waits = asyncio.Event()
        async with as_admin.client.request(path, method=method, headers=headers) as connection:
            await connection.send(kind[1])
            waits = asyncio.create_task(WatchedBody.waits.wait())
            done, _ = await asyncio.wait(
                [waits, cast(Any, connection)._task], return_when=asyncio.FIRST_COMPLETED
            )
            waits.cancel()
            if waits in done:
                waited.add(path)
                assert await is_released(app), f"{method} {path}"
            await connection.disconnect()
    assert len(waited) >= least, waited
