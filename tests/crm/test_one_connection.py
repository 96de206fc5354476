"""A request never needs two database connections at once.

Otherwise as many such requests as the pool has connections would each hold one and wait for
another, until the pool times out.
"""

from __future__ import annotations

from typing import Any

import pytest
from quart import Quart

from quarterdeck_crm.models import User
from tests.policies.test_access import UNSAFE, example, pages

from .api.conftest import API
from .conftest import Auth
from .trading import Trade

ONE = {
    "SQLALCHEMY_POOL_SIZE": 1,
    "SQLALCHEMY_MAX_OVERFLOW": 0,
    "SQLALCHEMY_POOL_TIMEOUT": 0.2,
}


@pytest.mark.feature("D7")
@pytest.mark.parametrize("settings", [ONE])
async def test_every_page_and_write_works_with_one_connection(
    app: Quart, as_admin: Auth, admin: User, trade: Trade
) -> None:
    account = await trade.account()
    await trade.order((await trade.good(), 1), account=account, actor=admin)
    token = await as_admin.token()
    client: Any = as_admin.client
    refused = {}
    for rule, _view in pages(app):
        if rule.websocket or rule.endpoint in {"auth.logout", "auth.logout_everywhere"}:
            continue
        path = example(rule, "1")
        for method in sorted((rule.methods or set()) & (UNSAFE | {"GET"})):
            if not path.startswith(API):  # a page that shows a message changes the browser session
                async with client.session_transaction() as session:
                    session["_flashes"] = [("info", "Saved.")]
            form = {"csrf_token": token, "account": account.name} if method == "POST" else None
            response = await client.open(path, method=method, form=form)
            if response.status_code >= 500:
                refused[f"{method} {path}"] = response.status_code
    assert refused == {}
