"""A rule is written once: a page and the API refuse the same entry with the same words."""

from __future__ import annotations

import ast
import html
from pathlib import Path
from typing import Any

import pytest

import quarterdeck_crm.api
from tests.crm.conftest import Auth
from tests.crm.trading import Trade

from .conftest import Program

API = Path(quarterdeck_crm.api.__file__).parent

ACCOUNT: dict[str, Any] = {"name": "Cheese Lovers"}
GOOD: dict[str, Any] = {
    "name": "Cheese", "code": "11", "price": "1", "currency": "EUR", "stock": "1"
}  # fmt: skip
ORDER: dict[str, Any] = {"currency": "EUR", "ordered_on": "2026-11-21"}


async def told(auth: Auth, path: str, form: dict[str, Any]) -> str:
    """Return the page that a form gets back."""
    response = await auth.post(path, page=path, version="0", **form)
    assert response.status_code == 422
    return html.unescape(await response.get_data(as_text=True))


async def reasons(program: Program, path: str, body: dict[str, Any]) -> list[str]:
    response = await program.post(path, body)
    assert response.status_code == 422, await response.get_data(as_text=True)
    return [each["detail"] for each in (await response.get_json())["errors"]]


@pytest.mark.feature("AP4")
@pytest.mark.parametrize(
    "wrong",
    [{"email": "nowhere"}, {"website": "nowhere"}, {"code": "TAKEN"}],
    ids=lambda wrong: next(iter(wrong)),
)
async def test_accounts(program: Program, auth: Auth, trade: Trade, wrong: dict[str, str]) -> None:
    await trade.account(code="TAKEN")

    (reason,) = await reasons(program, "/accounts", ACCOUNT | wrong)

    assert reason in await told(auth, "/accounts/new", ACCOUNT | wrong)


async def test_contacts(program: Program, auth: Auth, trade: Trade) -> None:
    account = await trade.account()
    wrong = {"name": "Maria", "email": "nowhere"}

    (reason,) = await reasons(program, f"/accounts/{account.id}/contacts", wrong)

    assert reason in await told(auth, f"/accounts/{account.id}/contacts/new", wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": "TAKEN"},
        {"currency": "EURO"},
        {"price": "-1"},
        {"price": "0.0001"},
        {"price": "9" * 13},
    ],
    ids=str,
)
async def test_goods(
    by_moderator: Program, as_moderator: Auth, trade: Trade, wrong: dict[str, str]
) -> None:
    await trade.good(code="TAKEN")
    body = GOOD | {"stock": 1} | wrong

    (reason,) = await reasons(by_moderator, "/goods", body)

    assert reason in await told(as_moderator, "/goods/new", GOOD | wrong)


async def test_orders(program: Program, by_moderator: Program, auth: Auth, trade: Trade) -> None:
    account = await trade.account()
    good = await trade.good(name="Gone", code="GONE")
    await by_moderator.delete(f"/goods/{good.id}", match="*")
    other = await trade.good(name="Tea", code="TEA", currency="GBP")
    body = ORDER | {
        "account_id": account.id,
        "lines": [{"good_id": good.id, "quantity": 1}, {"good_id": other.id, "quantity": 1}],
    }
    form = ORDER | {
        "account": f"{account.name} · #{account.id}",
        "lines-0-good": "Gone · GONE",
        "lines-0-quantity": "1",
        "lines-1-good": "Tea · TEA",
        "lines-1-quantity": "1",
    }

    page = await told(auth, "/orders/new", form)

    archived, foreign = await reasons(program, "/orders", body)
    assert archived in page
    assert foreign in page


def test_the_api_asks_the_services_and_writes_no_sql() -> None:
    """Nothing of SQLAlchemy but the type of the session, and no method that runs a statement."""
    for path in API.glob("*.py"):
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
                assert node.module == "sqlalchemy.ext.asyncio", path
                assert [name.name for name in node.names] == ["AsyncSession"], path
            if isinstance(node, ast.Import):
                assert not any(name.name.startswith("sqlalchemy") for name in node.names), path
            if isinstance(node, ast.Attribute):
                assert node.attr not in {"execute", "scalars", "scalar", "add", "flush"} or (
                    isinstance(node.value, ast.Attribute) and node.value.attr == "vary"
                ), f"{path}: {node.attr}"


def test_the_api_changes_rows_only_through_services() -> None:
    """No attribute of a row is set here: the services do that, and check it."""
    for path in API.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
                        assert target.value.id not in {"account", "contact", "good"}, path
