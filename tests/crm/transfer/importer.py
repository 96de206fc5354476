"""A user who imports and exports through the pages."""

from __future__ import annotations

import asyncio
import io
import re
from pathlib import Path

from quart import Response
from werkzeug.datastructures import FileStorage

from tests.crm.conftest import Auth

UNDER_WAY = "data-under-way"


class Importer:
    """Uploads files, waits for what becomes of them, and says "Import now"."""

    def __init__(self, auth: Auth) -> None:
        self.auth = auth

    async def upload(self, kind: str, *files: Path) -> Response:
        """Send the upload form."""
        form = {"csrf_token": await self.auth.token(f"/transfer/{kind}")}
        parts = {
            name: FileStorage(io.BytesIO(await asyncio.to_thread(file.read_bytes)), file.name)
            for name, file in zip(("file", "lines"), files, strict=False)
        }
        return await self.auth.client.post(f"/transfer/{kind}", form=form, files=parts)

    async def check(self, kind: str, *files: Path) -> tuple[str, str]:
        """Upload files; return the address of their page and its text after the check."""
        response = await self.upload(kind, *files)
        assert response.status_code == 303, await response.get_data(as_text=True)
        return response.location, await self.settled(response.location)

    async def run(self, kind: str, *files: Path) -> str:
        """Check files and import them; return the page's text at the end."""
        address, page = await self.check(kind, *files)
        assert "Import now" in page, page
        started = await self.auth.post(f"{address}/run")
        assert started.status_code == 303
        return await self.settled(address)

    async def page(self, address: str) -> str:
        """Return the page of an upload."""
        return str(await (await self.auth.get(address)).get_data(as_text=True))

    async def settled(self, address: str) -> str:
        """Return the page of an upload once nothing is under way any more."""
        async with asyncio.timeout(50):
            while UNDER_WAY in (page := await self.page(address)):  # noqa: ASYNC110 - as a reader
                await asyncio.sleep(0.02)
        return page


def figures(page: str) -> dict[str, str]:
    """Return the counts that a page shows, by their labels."""
    pairs = re.findall(r"<dt>([^<]+)</dt><dd>(?:<data[^>]*>)?([^<]+)<", page)
    return dict(pairs)
