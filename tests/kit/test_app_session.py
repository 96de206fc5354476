"""The signed cookie session, and flashes."""

from __future__ import annotations

import logging
import secrets
from datetime import timedelta
from typing import Any

import pytest
import quart
from itsdangerous import URLSafeTimedSerializer
from quart import flash, get_flashed_messages, redirect, render_template_string, session, websocket

from quarterdeck.app import Quart

STOCK = quart.Quart


def make_app(kind: type[quart.Quart] = Quart) -> quart.Quart:
    app = kind(__name__)
    app.secret_key = "correct horse"

    @app.get("/set/<name>/<value>")
    async def put(name: str, value: str) -> str:
        session[name] = value
        return ""

    @app.get("/get/<name>")
    async def read(name: str) -> Any:
        return session.get(name, "nothing")

    @app.get("/pop/<name>")
    async def pop(name: str) -> Any:
        return session.pop(name, "nothing")

    @app.get("/del/<name>")
    async def delete(name: str) -> str:
        del session[name]
        return ""

    @app.get("/untouched")
    async def untouched() -> str:
        return ""

    return app


async def get(client: Any, path: str, **headers: str) -> Any:
    response = await client.get(path, headers=headers)
    return await response.get_data(as_text=True)


def cookie_of(response: Any) -> str:
    return str(response.headers["Set-Cookie"].partition(";")[0].partition("=")[2])


@pytest.mark.feature("S1")
async def test_the_session_is_set_read_popped_and_deleted() -> None:
    client = make_app().test_client()
    await get(client, "/set/name/ann")
    assert await get(client, "/get/name") == "ann"
    assert await get(client, "/pop/name") == "ann"
    assert await get(client, "/pop/name") == "nothing"
    await get(client, "/set/name/eve")
    response = await client.get("/del/name")
    assert "Max-Age=0" in response.headers["Set-Cookie"]
    assert await get(client, "/get/name") == "nothing"


@pytest.mark.feature("S1")
async def test_a_session_passes_between_stock_and_ours() -> None:
    for writer, reader in ((Quart, STOCK), (STOCK, Quart)):
        response = await make_app(writer).test_client().get("/set/name/ann")
        client = make_app(reader).test_client()
        assert await get(client, "/get/name", Cookie=f"session={cookie_of(response)}") == "ann"


@pytest.mark.feature("S1")
async def test_an_old_key_still_opens_and_the_new_one_signs() -> None:
    response = await make_app().test_client().get("/set/name/ann")
    old = cookie_of(response)
    app = make_app()
    app.config.update(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["correct horse"])
    assert await get(app.test_client(), "/get/name", Cookie=f"session={old}") == "ann"
    new = cookie_of(await app.test_client().get("/set/name/eve"))
    app.config["SECRET_KEY_FALLBACKS"] = None
    assert await get(app.test_client(), "/get/name", Cookie=f"session={new}") == "eve"
    assert await get(app.test_client(), "/get/name", Cookie=f"session={old}") == "nothing"


@pytest.mark.feature("S1")
async def test_forged_broken_and_foreign_cookies_are_an_empty_session() -> None:
    app = make_app()
    good = cookie_of(await app.test_client().get("/set/name/ann"))
    foreign = URLSafeTimedSerializer("other", salt="cookie-session").dumps({"name": "ann"})
    for cookie in (good[:-1] + "?", good[1:], "", "a.b.c", "%00", foreign, good + "x"):
        assert await get(app.test_client(), "/get/name", Cookie=f"session={cookie}") == "nothing"


@pytest.mark.feature("S1")
async def test_an_expired_session_is_empty() -> None:
    app = make_app()
    cookie = cookie_of(await app.test_client().get("/set/name/ann"))
    app.permanent_session_lifetime = timedelta(seconds=-1)
    assert await get(app.test_client(), "/get/name", Cookie=f"session={cookie}") == "nothing"


@pytest.mark.feature("S1")
async def test_a_permanent_session_is_refreshed_unless_told_otherwise() -> None:
    app = make_app()

    @app.get("/keep")
    async def keep() -> str:
        session.permanent = True
        return ""

    client = app.test_client()
    assert "Expires=" in (await client.get("/keep")).headers["Set-Cookie"]
    assert "Set-Cookie" in (await client.get("/untouched")).headers
    app.config["SESSION_REFRESH_EACH_REQUEST"] = False
    assert "Set-Cookie" not in (await client.get("/untouched")).headers


@pytest.mark.feature("S1", "C5")
async def test_every_cookie_key_has_its_effect() -> None:
    app = make_app()
    app.config.update(
        SESSION_COOKIE_NAME="crm",
        SESSION_COOKIE_DOMAIN="example.com",
        SESSION_COOKIE_PATH="/shop",
        SESSION_COOKIE_HTTPONLY=False,
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PARTITIONED=True,
    )
    header = (await app.test_client().get("/set/a/b")).headers["Set-Cookie"]
    assert header.startswith("crm=")
    for part in ("Domain=example.com", "Path=/shop", "Secure", "SameSite=Lax", "Partitioned"):
        assert part in header
    assert "HttpOnly" not in header


@pytest.mark.feature("S1")
async def test_a_session_too_large_for_a_cookie_is_refused(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = make_app()

    @app.get("/fill")
    async def fill() -> str:
        session["x"] = secrets.token_hex(5000)
        return ""

    with caplog.at_level(logging.ERROR):
        response = await app.test_client().get("/fill")
    assert response.status_code == 500
    assert "Set-Cookie" not in response.headers
    assert "browsers drop those above 4093" in caplog.text


@pytest.mark.feature("S3")
async def test_without_a_key_the_session_can_be_read_only() -> None:
    app = make_app()
    app.secret_key = None
    assert await get(app.test_client(), "/get/name") == "nothing"
    assert (await app.test_client().get("/set/a/b")).status_code == 500


async def test_what_does_not_touch_the_session_does_not_open_a_cookie() -> None:
    app = make_app()
    client = app.test_client()
    await get(client, "/set/a/b")
    response = await client.get("/untouched")
    assert "Set-Cookie" not in response.headers
    assert "Vary" not in response.headers


async def test_a_websocket_reads_the_session() -> None:
    app = make_app()

    @app.websocket("/ws")
    async def ws() -> None:
        await websocket.send(session["name"])

    client = app.test_client()
    await get(client, "/set/name/ann")
    async with client.websocket("/ws") as connection:
        assert await connection.receive() == "ann"


@pytest.mark.feature("F1")
async def test_a_flash_is_shown_once_also_across_a_redirect() -> None:
    app = make_app()

    @app.post("/save")
    async def save() -> Any:
        await flash("Saved", "success")
        await flash("Look out", "warning")
        return redirect("/page")

    @app.get("/page")
    async def page() -> str:
        return await render_template_string(
            "{% for category, text in get_flashed_messages(with_categories=true) %}"
            "{{ category }}: {{ text }}; {% endfor %}"
        )

    @app.get("/warnings")
    async def warnings() -> Any:
        return list(get_flashed_messages(category_filter=["warning"]))

    client = app.test_client()
    await client.post("/save")
    assert await get(client, "/page") == "success: Saved; warning: Look out; "
    assert await get(client, "/page") == ""
    await client.post("/save")
    assert await get(client, "/warnings") == '["Look out"]\n'
