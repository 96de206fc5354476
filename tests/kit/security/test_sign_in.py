"""Growing delays for failed sign-ins, and devices that are recognised."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from quart import Quart, request
from quart.typing import TestClientProtocol as Client

from quarterdeck.security.limits import Limiter
from tests.kit.conftest import Advance

from .conftest import MakeApp

HERE, THERE = ("192.0.2.1", 1), ("198.51.100.7", 1)


def serve_sign_in(app: Quart) -> Quart:
    """Add a sign-in that accepts one password for all accounts."""
    limiter = Limiter()

    @app.post("/login")
    async def login() -> dict[str, Any]:
        form = await request.form
        attempt = await limiter.begin_sign_in(form["account"])
        if form["password"] != "right":
            return {"in": False, "known": attempt.is_known_device}
        await attempt.succeed()
        return {"in": True, "known": attempt.is_known_device}

    return app


async def post(
    client: Client, password: str, account: str = "ada", address: Any = HERE
) -> tuple[int, Any]:
    """Return the status, and the answer or the seconds to wait."""
    form = {"account": account, "password": password}
    response = await client.post("/login", form=form, scope_base={"client": address})
    if response.status_code == 429:
        return 429, int(response.headers["Retry-After"])
    return response.status_code, await response.get_json()


@pytest.mark.feature("AP6")
async def test_of_forty_guesses_at_once_only_the_free_ones_are_checked(
    make_app: MakeApp, storage: str
) -> None:
    client = serve_sign_in(make_app(storage)).test_client()

    answers = await asyncio.gather(*[post(client, "wrong") for _ in range(40)])

    assert Counter(status for status, _ in answers) == {200: 5, 429: 35}


async def test_delays_double_up_to_the_longest_and_end_with_a_success(
    make_app: MakeApp, advance: Advance
) -> None:
    app = serve_sign_in(make_app(SIGN_IN_FREE_ATTEMPTS=3, SIGN_IN_MAX_DELAY_SECONDS=10))
    client = app.test_client()
    delays = []
    for _ in range(3):
        assert await post(client, "wrong") == (200, {"in": False, "known": False})
    for _ in range(5):
        status, seconds = await post(client, "right")
        assert status == 429
        delays.append(seconds)
        assert await post(client, "right") == (429, seconds), "waiting does not make it longer"
        advance(seconds)
        assert (await post(client, "wrong"))[0] == 200

    assert delays == [2, 4, 8, 10, 10]
    advance(10)
    assert (await post(client, "right"))[1]["in"]
    for _ in range(3):
        assert (await post(client, "wrong"))[0] == 200
    assert await post(client, "wrong") == (429, 2)


async def test_after_a_delay_exactly_one_of_many_guesses_is_checked(
    make_app: MakeApp, advance: Advance
) -> None:
    client = serve_sign_in(make_app(SIGN_IN_FREE_ATTEMPTS=1)).test_client()
    await post(client, "wrong")
    advance(2)

    answers = await asyncio.gather(*[post(client, "wrong") for _ in range(10)])

    assert Counter(status for status, _ in answers) == {200: 1, 429: 9}


async def test_failed_attempts_are_forgotten_after_a_day(
    make_app: MakeApp, advance: Advance
) -> None:
    client = serve_sign_in(make_app(SIGN_IN_FREE_ATTEMPTS=1)).test_client()
    for _ in range(8):
        answer = await post(client, "wrong")
        advance(answer[1] if answer[0] == 429 else 0)
    advance(24 * 3600)

    assert (await post(client, "wrong"))[0] == 200
    assert await post(client, "wrong") == (429, 2)


async def test_guesses_from_elsewhere_do_not_make_the_owner_wait(make_app: MakeApp) -> None:
    app = serve_sign_in(make_app(SIGN_IN_FREE_ATTEMPTS=1))
    attacker, owner = app.test_client(), app.test_client()
    await post(attacker, "wrong", address=THERE)

    assert (await post(attacker, "wrong", address=THERE))[0] == 429
    assert (await post(owner, "right"))[1]["in"]
    assert (await post(attacker, "wrong", account="ben", address=THERE))[0] == 200


async def test_a_device_that_signed_in_before_has_a_count_of_its_own(make_app: MakeApp) -> None:
    """Also beside an attacker at the same address, and its own wrong guesses are delayed."""
    app = serve_sign_in(make_app(SIGN_IN_FREE_ATTEMPTS=1))
    owner, attacker = app.test_client(), app.test_client()
    assert await post(owner, "right") == (200, {"in": True, "known": False})
    await post(attacker, "wrong")
    assert (await post(attacker, "right"))[0] == 429

    assert await post(owner, "right") == (200, {"in": True, "known": True})
    assert (await post(owner, "wrong", address=THERE))[0] == 200
    assert (await post(owner, "right", address=HERE))[0] == 429
    assert (await post(owner, "right", account="ben"))[1] == {"in": True, "known": False}
    assert (await post(owner, "right", account="ben"))[1] == {"in": True, "known": True}


async def test_a_forged_or_old_cookie_makes_no_device_known(
    make_app: MakeApp, advance: Advance
) -> None:
    app = serve_sign_in(make_app())
    client = app.test_client()
    await post(client, "right")
    cookie = next(cookie for cookie in client.cookie_jar or () if cookie.name == "device")
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "Lax"

    for value in ("", "x", f"{cookie.value}x", "W10.x.y"):
        forger = app.test_client()
        forger.set_cookie("localhost", "device", value)
        assert not (await post(forger, "right"))[1]["known"]
    thief = app.test_client()
    thief.set_cookie("localhost", "device", str(cookie.value))
    assert (await post(thief, "right"))[1]["known"]
    advance(366 * 24 * 3600)
    late = app.test_client()
    late.set_cookie("localhost", "device", str(cookie.value))
    assert not (await post(late, "right"))[1]["known"]


async def test_a_device_stays_known_when_the_key_is_rotated(make_app: MakeApp) -> None:
    app = serve_sign_in(make_app())
    client = app.test_client()
    await post(client, "right")
    app.config["SECRET_KEY_FALLBACKS"] = [app.secret_key]
    app.secret_key = "another key"

    assert (await post(client, "right"))[1]["known"]


async def test_the_storage_sees_no_address_of_a_user(make_app: MakeApp) -> None:
    app = serve_sign_in(make_app())
    await post(app.test_client(), "wrong", account="ada@example.com")

    keys = list(app.extensions["limiter"].counters.storage._entries)
    assert keys
    assert not any("ada" in key or "192" in key for key in keys)


async def test_nobody_waits_when_limits_are_off(make_app: MakeApp) -> None:
    client = serve_sign_in(make_app(RATELIMIT_ENABLED=False)).test_client()

    assert {(await post(client, "wrong"))[0] for _ in range(9)} == {200}
