"""The examples of sign-in and operation, one test for each file."""

from __future__ import annotations

import re

import pytest
from httpx import AsyncClient

from quarterdeck.testing import ServedApp


@pytest.mark.feature("V3", "V4")
async def test_login(browser: AsyncClient, server: ServedApp) -> None:
    asked = await browser.get("/helm", headers={"Accept": "text/html"})
    assert asked.headers["Location"] == "/login?next=%2Fhelm"
    wrong = await browser.post("/login", data={"name": "ada", "password": "x"})
    assert wrong.status_code == 403
    grace = {"name": "grace", "password": "hopper"}
    sent = await browser.post("/login?next=/helm", data=grace)
    assert sent.headers["Location"] == "/helm"
    assert (await browser.get("/")).text == "Hello grace"
    assert (await browser.get("/helm")).status_code == 403
    await browser.post("/logout")
    assert (await browser.get("/")).status_code == 302
    async with AsyncClient(base_url=server.url) as captain:
        await captain.post("/login", data={"name": "ada", "password": "lovelace"})
        assert (await captain.get("/helm")).text == "Hard to starboard"


async def test_security(browser: AsyncClient) -> None:
    page = await browser.get("/")
    (nonce,) = re.findall(r'nonce="([^"]+)"', page.text)
    policy = page.headers["Content-Security-Policy"]
    assert f"'nonce-{nonce}'" in policy
    assert "img-src 'self' https://img.example.com" in policy
    card = (await browser.get("/card")).headers["Content-Security-Policy"]
    assert "frame-ancestors https://partner.example.com" in card


async def test_checks(browser: AsyncClient) -> None:
    assert "'HARBOUR_PILOT' is not set. Name one." in (await browser.get("/")).text


async def test_health(browser: AsyncClient) -> None:
    assert (await browser.get("/")).json()["status"] == "ready"


async def test_logs(browser: AsyncClient) -> None:
    page = await browser.get("/")
    assert page.text == f"Request {page.headers['X-Request-ID']}"


async def test_metrics(browser: AsyncClient) -> None:
    await browser.get("/")
    text = (await browser.get("/")).text
    assert re.search(r'quart_requests_total\{.*endpoint="index".*\} 1\.0', text)


async def test_traces(browser: AsyncClient) -> None:
    headers = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    assert "a" * 32 in (await browser.get("/", headers=headers)).text
