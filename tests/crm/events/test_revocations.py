"""``crm serve``, and commands in processes of their own that nobody tells it about.

Live events are in memory here, so no word passes from one to the other: what is shown is the
check, at the pace that it has unless it is configured.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest

from quarterdeck_crm.demo.cli import PASSWORD
from tests.demonstration import Demonstrations
from tests.serving import crm, serving
from tests.wire import Wire, connected

pytestmark = [
    pytest.mark.any_database,
    pytest.mark.feature("WS3", "S3"),
    pytest.mark.timeout(180),
]

SECONDS = 5.0
ADMIN, USER, MODERATOR = (f"{who}@quarterdeck.example" for who in ("admin", "user", "mod"))


class Site(NamedTuple):
    folder: Path
    address: str
    token: str

    async def command(self, *words: str) -> str:
        return await asyncio.to_thread(crm, self.folder, *words)

    @asynccontextmanager
    async def watching(self, **headers: str) -> AsyncIterator[Wire]:
        """Connect to ``/ws`` with these headers, and be served."""
        url = urlsplit(self.address)
        async with connected((str(url.hostname), int(url.port or 0)), "/ws", **headers) as wire:
            await wire.message('{"type":"ping"}')
            assert (await wire.receive())[1] == b'{"type":"pong"}'
            yield wire

    async def sign_in(self, email: str) -> str:
        """Sign in as a browser does; return the cookie."""
        async with httpx.AsyncClient(base_url=self.address, trust_env=False) as browser:
            page = (await browser.get("/auth/login")).text
            found = re.search(r'name="csrf_token"[^>]*? value="([^"]+)"', page)
            assert found
            form = {"email": email, "password": PASSWORD, "csrf_token": found[1]}
            assert (await browser.post("/auth/login", data=form)).status_code == 303
            return f"crm={browser.cookies['crm']}"


@pytest.fixture(scope="module")
def site(
    demonstrations: Demonstrations, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("endings")
    tokens = demonstrations.copy(folder)
    with serving(folder) as address:
        yield Site(folder, address, tokens["admin"])


async def ends_in_time(wire: Wire, ending: Awaitable[str]) -> None:
    await ending
    done = time.monotonic()
    assert await wire.close_code() == 4401
    assert time.monotonic() - done < SECONDS


@pytest.mark.hazard("a signed-out user's socket stays authorised")
@pytest.mark.parametrize(
    ("who", "words"), [(MODERATOR, ("sessions", "end")), (USER, ("user", "disable"))]
)
async def test_commands_end_the_connections_of_a_browser(
    site: Site, who: str, words: tuple[str, ...]
) -> None:
    other = await site.sign_in(ADMIN)
    async with (
        site.watching(Cookie=await site.sign_in(who)) as wire,
        site.watching(Cookie=other) as still_there,
    ):
        await ends_in_time(wire, site.command(*words, who))
        await still_there.message('{"type":"ping"}')
        assert (await still_there.receive())[1] == b'{"type":"pong"}'


@pytest.mark.hazard("a signed-out user's socket stays authorised")
async def test_a_command_ends_the_connections_of_a_token(site: Site) -> None:
    token_id = (await site.command("token", "list", ADMIN)).split()[0]
    async with site.watching(Authorization=f"Bearer {site.token}") as wire:
        await ends_in_time(wire, site.command("token", "revoke", token_id))
