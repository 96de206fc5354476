"""Passwords are hashed off the event loop and compared without telling who exists."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import Any

import pytest
from quart import Quart

from quarterdeck.exceptions import AppContextMissingError, ExtensionNotInitializedError
from quarterdeck.login import LoginManager, hash_password, verify_and_update, verify_password


def make_app(**config: Any) -> Quart:
    app = Quart(__name__)
    app.config.update({"LOGIN_HASH_TIME_COST": 1, "LOGIN_HASH_MEMORY_COST": 1024, **config})
    LoginManager(app)
    return app


async def test_right_and_wrong() -> None:
    async with make_app().app_context():
        stored = await hash_password("correct horse")
        assert stored.startswith("$argon2id$")
        assert await verify_password(stored, "correct horse")
        assert not await verify_password(stored, "correct horsf")


@pytest.mark.parametrize("stored", [None, "", "!", "plain text", "$argon2id$v=19$broken"])
async def test_without_a_usable_hash_nothing_is_right(stored: str | None) -> None:
    async with make_app().app_context():
        assert not await verify_password(stored, "")
        assert not await verify_password(stored, "anything")


async def test_the_same_letters_composed_differently() -> None:
    async with make_app().app_context():
        stored = await hash_password("caf\u00e9")
        assert await verify_password(stored, "cafe\u0301")


async def test_any_text_can_be_a_password() -> None:
    async with make_app().app_context():
        assert await verify_password(await hash_password("\ud800\x00"), "\ud800\x00")


async def test_raised_costs_give_a_new_hash() -> None:
    async with make_app().app_context():
        old = await hash_password("secret")
        assert await verify_and_update(old, "secret") == (True, None)
    async with make_app(LOGIN_HASH_TIME_COST=2).app_context():
        right, new = await verify_and_update(old, "secret")
        assert right
        assert new is not None
        assert ",t=2," in new
        assert await verify_and_update(old, "wrong") == (False, None)
        assert await verify_and_update(new, "secret") == (True, None)


async def test_unknown_user_takes_as_long_as_a_wrong_password() -> None:
    async with make_app(LOGIN_HASH_MEMORY_COST=16384).app_context():
        stored = await hash_password("secret")

        async def measure(password_hash: str | None) -> float:
            """Return the CPU time, which other programs change little."""
            started = time.process_time()
            await verify_password(password_hash, "wrong")
            return time.process_time() - started

        await measure(None)
        pairs = [(await measure(stored), await measure(None)) for _ in range(7)]
    known, unknown = (statistics.median(each) for each in zip(*pairs, strict=True))
    assert 0.5 < unknown / known < 2


async def test_the_loop_goes_on_and_the_pool_is_bounded() -> None:
    app = make_app(LOGIN_HASH_WORKERS=2, LOGIN_HASH_MEMORY_COST=16384)
    async with app.app_context():
        hashing = asyncio.gather(*(hash_password("secret") for _ in range(8)))
        turns = 0
        while not hashing.done():
            await asyncio.sleep(0)
            turns += 1
        assert turns > 8
        assert len(app.extensions["login"].hasher._pool._threads) == 2


async def test_one_too_many_is_a_503() -> None:
    """Two hashed, three waiting; the sixth is refused at once, and later ones are taken again."""
    app = make_app(LOGIN_HASH_WORKERS=2, LOGIN_HASH_MAX_WAITING=3)

    @app.post("/")
    async def view() -> str:
        return await hash_password("secret")

    async with app.test_app():
        client = app.test_client()
        answers = await asyncio.gather(*(client.post("/") for _ in range(6)))
        assert sorted(answer.status_code for answer in answers) == [200] * 5 + [503]
        refused = next(answer for answer in answers if answer.status_code == 503)
        assert refused.headers["Retry-After"] == "2"
        assert "Too many people are signing in" in await refused.get_data(as_text=True)
        assert (await client.post("/")).status_code == 200


async def test_a_client_that_leaves_gives_up_its_place() -> None:
    app = make_app(LOGIN_HASH_WORKERS=1, LOGIN_HASH_MAX_WAITING=1)
    async with app.app_context():
        first = asyncio.create_task(hash_password("secret"))
        second = asyncio.create_task(hash_password("secret"))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait([second])
        assert await hash_password("secret")
        await first


async def test_the_pool_ends_with_the_app() -> None:
    app = make_app()
    async with app.test_app(), app.app_context():
        await hash_password("secret")
        pool = app.extensions["login"].hasher._pool
    assert not any(thread.is_alive() for thread in pool._threads)
    async with app.app_context():  # a command that runs after serving
        assert await hash_password("secret")
        await app.extensions["login"].hasher.aclose()


async def test_login_manager_is_needed() -> None:
    async with Quart(__name__).app_context():
        with pytest.raises(ExtensionNotInitializedError, match="LoginManager"):
            await hash_password("secret")


async def test_outside_of_an_app_the_error_names_the_remedy() -> None:
    with pytest.raises(AppContextMissingError, match=r"async with app\.app_context\(\):"):
        await hash_password("secret")
