"""``crm sessions``, after browsers have signed in on the same database."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from quart import Quart

from quarterdeck_crm import create_app
from tests import databases
from tests.crm.conftest import PASSWORD, Auth

from .test_cli import CREATE_ADMIN, Crm, crm, ready, upgraded

__all__ = ["crm", "ready", "upgraded"]

EMAIL = CREATE_ADMIN[2]


class Browsers:
    """Browsers whose owner has signed in, each visit in an app of its own."""

    def __init__(self, folder: Path, number: int) -> None:
        self._folder = folder
        self._cookies = asyncio.run(self._sign_in(self._app(), number))

    def visit(self) -> list[int]:
        """Return the status that each gets on a page of its own."""
        return asyncio.run(self._visit(self._app()))

    def _app(self) -> Quart:
        return create_app(
            "testing", INSTANCE=str(self._folder), **databases.environment(self._folder)
        )

    async def _sign_in(self, app: Quart, number: int) -> list[str]:
        found = []
        async with app.test_app():
            for _ in range(number):
                browser = Auth(app.test_client())
                await browser.login(EMAIL)
                cookies = browser.client.cookie_jar or ()
                found += [str(each.value) for each in cookies if each.name == "crm"]
        return found

    async def _visit(self, app: Quart) -> list[int]:
        async with app.test_app():
            client = app.test_client(use_cookies=False)
            answers = [
                await client.get("/auth/profile", headers={"Cookie": f"crm={value}"})
                for value in self._cookies
            ]
        return [answer.status_code for answer in answers]


@pytest.fixture
def browsers(ready: Crm, tmp_path: Path) -> Browsers:
    ready(*CREATE_ADMIN, stdin=f"{PASSWORD}\n")
    return Browsers(tmp_path, 2)


def test_listed_by_key_and_times(ready: Crm, browsers: Browsers) -> None:
    lines = ready("sessions", "list", EMAIL).stdout.splitlines()

    assert len(lines) == 2
    assert len({line.split()[0] for line in lines}) == 2
    assert all(len(line.split()) == 7 for line in lines)


def test_one_is_ended_by_its_key(ready: Crm, browsers: Browsers) -> None:
    key = ready("sessions", "list", EMAIL).stdout.split()[0]

    done = ready("sessions", "end", EMAIL, "--key", key)

    assert done.stdout == f"Ended the session {key} of {EMAIL}.\n"
    assert sorted(browsers.visit()) == [200, 401]
    again = ready("sessions", "end", EMAIL, "--key", key)
    assert again.exit_code == 1
    assert f"'{key}' is no session of {EMAIL}" in again.stderr


def test_all_are_ended(ready: Crm, browsers: Browsers) -> None:
    assert browsers.visit() == [200, 200]

    assert ready("sessions", "end", EMAIL).stdout == f"Signed {EMAIL} out everywhere.\n"

    assert browsers.visit() == [401, 401]
    assert ready("sessions", "list", EMAIL).stdout == ""


def test_stores_that_cannot_list_say_so(ready: Crm, browsers: Browsers) -> None:
    listed = ready("sessions", "list", EMAIL, SESSION_TYPE="null")
    ended = ready("sessions", "end", EMAIL, SESSION_TYPE="null")

    assert listed.exit_code == 1
    assert "'null' session store cannot list the sessions of a user" in listed.stderr
    assert ended.stdout == f"Signed {EMAIL} out everywhere.\n"
    assert browsers.visit() == [401, 401]


def test_unknown_person(ready: Crm) -> None:
    done = ready("sessions", "list", "nobody@example.com")

    assert done.exit_code == 1
    assert "nobody@example.com" in done.stderr
