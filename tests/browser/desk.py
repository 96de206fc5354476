"""A user at a page, who also does things behind it, through the API of the same sign-in."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from playwright.async_api import Browser, Locator, Page

from .conftest import ADMIN, cookies_of

TOKEN = "document.querySelector('[name=csrf_token]').value"


class Desk:
    """A window of somebody who is signed in, with what its console said."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.complaints: list[str] = []
        self.foreign: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self._note(request.url))
        page.on("websocket", lambda socket: self._note(socket.url.replace("ws", "http", 1)))

    def _note(self, url: str) -> None:
        if not url.startswith((self.address, "data:")):
            self.foreign.append(url)

    async def open(self, path: str) -> None:
        """Open a page, and wait until it is connected if it is one that follows changes."""
        await self.page.goto(self.address + path)
        await self.page.locator("main[data-connected], main:not([data-live])").wait_for()

    async def call(self, method: str, path: str, **data: Any) -> Any:
        """Do something through the API, and return the answer."""
        token = await self.page.evaluate(TOKEN)
        headers = {"X-CSRFToken": token, "Accept": "application/json"}
        answer = await self.page.context.request.fetch(
            f"{self.address}/api/v1{path}", method=method, headers=headers, data=data
        )
        assert answer.ok, await answer.text()
        return await answer.json()

    async def place(self, *, stock: int = 100, quantity: int = 1) -> Any:
        """Place an order of one new good for a new account."""
        account = await self.call("POST", "/accounts", name="Harbour Office")
        values = {"code": uuid4().hex[:12], "price": "10.00", "currency": "EUR", "stock": stock}
        good = await self.call("POST", "/goods", name="Lantern", **values)
        line = {"good_id": good["id"], "quantity": quantity}
        return await self.call(
            "POST", "/orders", account_id=account["id"], currency="EUR", lines=[line]
        )

    async def move(self, order: Any, to: str) -> Any:
        return await self.call("POST", f"/orders/{order['id']}/moves", to=to)

    def card(self, order: Any, state: str | None = None) -> Locator:
        """The card of an order, wherever it is or in one column."""
        place = f"#cards-{state} " if state else ""
        return self.page.locator(f"{place}#order-{order['id']}")

    async def drag(self, order: Any, state: str) -> None:
        """Drag the card of an order to a column."""
        column = self.page.locator(f"#column-{state}")
        await self.card(order).get_by_role("link").drag_to(column)


async def sit_down(
    browser: Browser, address: str, who: tuple[str, str] = ADMIN, **options: Any
) -> Desk:
    """Open a window of its own for somebody."""
    context = await browser.new_context(
        storage_state=await cookies_of(browser, address, who), **options
    )
    return Desk(await context.new_page(), address)
