"""How much room the files of a user and of an account may take up."""

from __future__ import annotations

import asyncio
import html
import io
import re
from collections import Counter
from collections.abc import Callable

import pytest
from quart import Quart, Response
from sqlalchemy import func, select
from werkzeug.datastructures import FileStorage

from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Attachment, Role, User

from .conftest import Auth, MakeUser
from .test_attachments import files_in, upload
from .trading import Trade

KILOBYTE = b"a" * 1000
OF_ACCOUNT = "The files of this account, its deals and its orders"
THREE = {"ATTACHMENT_MAX_BYTES_PER_USER": 3000, "ATTACHMENT_MAX_BYTES_PER_ACCOUNT": 0}
THREE_AT_ACCOUNT = {"ATTACHMENT_MAX_BYTES_PER_USER": 0, "ATTACHMENT_MAX_BYTES_PER_ACCOUNT": 3000}
both = pytest.mark.parametrize("settings", [THREE, THREE_AT_ACCOUNT], ids=["user", "account"])


async def text(response: Response) -> str:
    return html.unescape(await response.get_data(as_text=True))


async def stored(app: Quart) -> int:
    async with app.app_context():
        return int(await db.session.scalar(select(func.sum(Attachment.size))) or 0)


@both
async def test_a_file_that_fills_the_quota_is_the_last(
    app: Quart, auth: Auth, trade: Trade
) -> None:
    account = await trade.account()
    path = f"/accounts/{account.id}/files"
    for _ in range(2):
        assert (await upload(auth, path, "a.txt", KILOBYTE)).status_code == 303

    assert (await upload(auth, path, "a.txt", KILOBYTE + b"a")).status_code == 422
    assert (await upload(auth, path, "a.txt", KILOBYTE)).status_code == 303
    refused = await upload(auth, path, "a.txt", b"a")

    assert refused.status_code == 422
    assert "This file has 1 byte, and there is no room for it." in await text(refused)
    assert "use 3.0 kB of 3.0 kB. Remove files" in await text(refused)
    assert len(files_in(app)) == 3
    await auth.post("/files/1/remove")
    assert (await upload(auth, path, "a.txt", b"a")).status_code == 303


@both
async def test_concurrent_uploads_do_not_exceed_it(app: Quart, auth: Auth, trade: Trade) -> None:
    account = await trade.account()
    orders = [await trade.order(account=account) for _ in range(2)]
    deals = [await trade.deal(account_id=account.id) for _ in range(2)]
    paths = [f"/accounts/{account.id}/files", *(f"/orders/{each.id}/files" for each in orders)]
    paths += [f"/deals/{each.id}/files" for each in deals]

    token = await auth.token()

    async def post(path: str) -> Response:
        file = FileStorage(io.BytesIO(KILOBYTE), filename="a.txt")
        return await auth.client.post(path, form={"csrf_token": token}, files={"file": file})

    answers = await asyncio.gather(*(post(path) for path in paths * 2))

    assert Counter(answer.status_code for answer in answers) == {303: 3, 422: 7}
    assert await stored(app) == 3000
    assert len(files_in(app)) == 3


@pytest.mark.parametrize("settings", [THREE])
async def test_the_quota_of_a_user_counts_all_their_files(
    auth: Auth, browser: Callable[[], Auth], make_user: MakeUser, trade: Trade
) -> None:
    other = browser()
    await other.login(await make_user(Role.USER, "other@example.com"))
    account, order = await trade.account(), await trade.order()
    await upload(auth, f"/accounts/{account.id}/files", "a.txt", KILOBYTE)
    await upload(auth, f"/orders/{order.id}/files", "a.txt", KILOBYTE)

    assert (
        await upload(other, f"/orders/{order.id}/files", "b.txt", KILOBYTE * 3)
    ).status_code == 303
    refused = await upload(auth, f"/orders/{order.id}/files", "a.txt", KILOBYTE * 2)

    assert refused.status_code == 422
    assert "Your files use 2.0 kB of 3.0 kB." in await text(refused)


@pytest.mark.parametrize("settings", [THREE_AT_ACCOUNT])
async def test_the_quota_of_an_account_counts_the_files_of_its_deals_and_orders(
    auth: Auth, browser: Callable[[], Auth], make_user: MakeUser, trade: Trade
) -> None:
    other = browser()
    await other.login(await make_user(Role.USER, "other@example.com"))
    account, stranger = await trade.account(), await trade.account()
    order = await trade.order(account=account)
    deal = await trade.deal(account_id=account.id)
    half = KILOBYTE[:500]
    await upload(auth, f"/accounts/{account.id}/files", "a.txt", KILOBYTE)
    await upload(other, f"/orders/{order.id}/files", "a.txt", half)
    await upload(other, f"/deals/{deal.id}/files", "a.txt", half)

    records = (f"/accounts/{account.id}", f"/deals/{deal.id}", f"/orders/{order.id}")
    for record in records:
        refused = await upload(auth, f"{record}/files", "a.txt", KILOBYTE * 2)
        assert refused.status_code == 422
        assert f"{OF_ACCOUNT} use 2.0 kB of 3.0 kB." in await text(refused)
    free = await upload(auth, f"/accounts/{stranger.id}/files", "a.txt", KILOBYTE * 3)
    assert free.status_code == 303


async def test_pages_show_the_room_where_files_are_attached(auth: Auth, trade: Trade) -> None:
    account = await trade.account()
    order = await trade.order(account=account)
    deal = await trade.deal(account_id=account.id)
    await upload(auth, f"/accounts/{account.id}/files", "a.txt", KILOBYTE)

    for path in (f"/accounts/{account.id}", f"/deals/{deal.id}", f"/orders/{order.id}"):
        page = re.sub("</?span[^>]*>", "", await text(await auth.get(path)))
        assert "Your files use 1.0 kB of 5.0 GB." in page
        assert f"{OF_ACCOUNT} use 1.0 kB of 2.0 GB." in page


@both
async def test_a_refusal_is_in_the_language_of_its_reader(
    auth: Auth, trade: Trade, user: User
) -> None:
    account = await trade.account()
    path = f"/accounts/{account.id}/files"
    await upload(auth, path, "a.txt", KILOBYTE * 3)
    entries = {"name": user.name, "phone": "", "notices": "at_once", "language": "zh_Hans"}
    await auth.post("/auth/profile", page="/auth/profile", **entries)
    refused = await text(await upload(auth, path, "a.txt", b"a"))
    assert "此文件大小为 1 字节，空间不足。" in refused
    assert (
        "已使用 3.0 kB，上限 3.0 kB。 请" in refused or "已使用 3.0 kB，上限 3.0 kB。请" in refused
    )


@pytest.mark.parametrize(
    "settings", [{"ATTACHMENT_MAX_BYTES_PER_USER": 0, "ATTACHMENT_MAX_BYTES_PER_ACCOUNT": 0}]
)
async def test_zero_is_unlimited(auth: Auth, trade: Trade) -> None:
    account = await trade.account()

    assert (
        await upload(auth, f"/accounts/{account.id}/files", "a.txt", KILOBYTE)
    ).status_code == 303
    assert "use 1.0 kB" not in await text(await auth.get(f"/accounts/{account.id}"))
