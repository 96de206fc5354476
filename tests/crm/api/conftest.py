"""Programs that use the API with a token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from quart import Quart, Response

from quarterdeck_crm.extensions import db
from quarterdeck_crm.models import Scope, User
from quarterdeck_crm.tokens.services import create_token

API = "/api/v1"
MakeToken = Callable[..., Awaitable[str]]


class Program:
    """Calls the API as its token allows, with no cookies."""

    def __init__(self, app: Quart, token: str | None) -> None:
        self.app = app
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def call(
        self,
        method: str,
        path: str,
        *,
        match: str | None = None,
        key: str | None = None,
        **more: Any,
    ) -> Response:
        """Send a request; ``match`` is the If-Match header, ``key`` the Idempotency-Key."""
        headers = dict(self.headers) | more.pop("headers", {})
        if match is not None:
            headers["If-Match"] = match
        if key is not None:
            headers["Idempotency-Key"] = key
        client = self.app.test_client(use_cookies=False)
        return await client.open(API + path, method=method, headers=headers, **more)

    async def get(self, path: str, **more: Any) -> Response:
        return await self.call("GET", path, **more)

    async def post(self, path: str, json: Any, **more: Any) -> Response:
        return await self.call("POST", path, json=json, **more)

    async def put(self, path: str, json: Any, **more: Any) -> Response:
        return await self.call("PUT", path, json=json, **more)

    async def patch(self, path: str, json: Any, **more: Any) -> Response:
        return await self.call("PATCH", path, json=json, **more)

    async def delete(self, path: str, **more: Any) -> Response:
        return await self.call("DELETE", path, **more)

    async def read(self, path: str) -> Any:
        """Return the JSON of something that is there."""
        response = await self.get(path)
        assert response.status_code == 200, await response.get_data(as_text=True)
        return await response.get_json()

    async def etag(self, path: str) -> str:
        """Return the ETag of something that is there."""
        return str((await self.get(path)).headers["ETag"])

    async def create(self, path: str, **values: Any) -> Any:
        """Create something that must be accepted, and return its JSON."""
        response = await self.post(path, values)
        assert response.status_code == 201, await response.get_data(as_text=True)
        return await response.get_json()


async def pointers(response: Response) -> dict[str, str]:
    """Return the reasons of a refusal by pointer."""
    problem = await response.get_json()
    return {each["pointer"]: each["detail"] for each in problem["errors"]}


@pytest.fixture
def make_token(app: Quart) -> MakeToken:
    """Make tokens for users."""

    async def make(user: User, *scopes: Scope, **more: Any) -> str:
        async with app.app_context(), db.transaction() as session:
            _, secret = await create_token(
                session, user=user, name="Test", scopes=scopes or tuple(Scope), **more
            )
        return secret

    return make


@pytest.fixture
async def program(app: Quart, make_token: MakeToken, user: User) -> Program:
    """A program of somebody with the role User."""
    return Program(app, await make_token(user))


@pytest.fixture
async def by_moderator(app: Quart, make_token: MakeToken, moderator: User) -> Program:
    """A program of a moderator, who may change goods."""
    return Program(app, await make_token(moderator))


@pytest.fixture
def stranger(app: Quart) -> Program:
    """A program without a token."""
    return Program(app, None)
