"""All pages with very long words, right-to-left names and large sums.

Nothing leaves its place, and axe finds no fault.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser
from werkzeug.routing import Rule

from quarterdeck_crm import create_app
from tests.demonstration import Demonstrations
from tests.serving import serving

from .checks import axe_faults, outside
from .conftest import in_browser
from .desk import TOKEN, Desk, sit_down

pytestmark = [*in_browser, pytest.mark.feature("BS1"), pytest.mark.timeout(300)]

PARTS = 4  # the pages are many for one test, on a busy machine

# The widest word, and one that is as wide and begins from the right.
WIDE = ("W" * 160, ("شركةالمستودعات" + "W" * 160)[:160])
PRICE = "99999999999.99"
CODES = ("W" * 32, "مستودع" * 5)
STATES: dict[str, list[str]] = {
    "draft": [],
    "confirmed": ["confirmed"],
    "shipped": ["confirmed", "shipped"],
    "paid": ["confirmed", "shipped", "paid"],
    "cancelled": ["cancelled"],
}
# No pages: data for scripts and programs, files, and addresses that lead to another page.
NO_PAGES = re.compile(
    r"/(api/v1/(?!docs$)|health|metrics|files/|transfer/export|team/phone|calendar/)|static|suggest|similar|search/quick|/picture/|/colleagues|deals/contacts"
)
EACH = {"order_id", "kind", "page"}  # of these, pages are opened with all values
SAME_IN_EACH = {"/orders/<int:order_id>/print"}
# The findings of axe depend on the colours and on the width, so each is examined once.
SHOWN: tuple[tuple[int, Literal["light", "dark"]], ...] = ((390, "dark"), (1280, "light"))


@dataclass
class Extremes:
    """A CRM of extreme rows, and the values for the addresses of its pages."""

    address: str
    rows: dict[str, list[Any]]


@pytest.fixture(scope="module")
def served(
    demonstrations: Demonstrations, tmp_path_factory: pytest.TempPathFactory, chromium: str
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("extremes")
    demonstrations.copy(folder)
    with serving(folder, CRM_SEND_FILE_MAX_AGE_DEFAULT="3600") as address:
        yield address


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def extremes(served: str, shared_browser: Browser) -> AsyncIterator[Extremes]:
    desk = await sit_down(shared_browser, served)
    await desk.open("/")
    names = (
        "account_id",
        "contact_id",
        "deal_id",
        "good_id",
        "order_id",
        "person_id",
        "task_id",
    )
    rows: dict[str, list[Any]] = {name: [] for name in names}
    await send(desk, "/deals/stages/usual")
    for name, other, code in zip(WIDE, WIDE[::-1], CODES, strict=True):
        account = await make_account(desk, name, code, other)
        good = await desk.call(
            "POST", "/goods", name=name, code=code, category=name[:80], unit=name[:60],
            price=PRICE, currency="EUR", stock=2_000_000_000, description=other,
        )  # fmt: skip
        rows["account_id"].append(account["id"])
        rows["good_id"].append(good["id"])
        rows["person_id"].append(await make_person(desk, account, other))
        for moves in [*STATES.values()] if name == WIDE[0] else [[]]:
            rows["order_id"].append(await make_order(desk, account, good, other, moves))
        task = await desk.call(
            "POST", "/tasks", title=other, details=name, account_id=account["id"],
            due_on="2026-01-31", due_time="09:30", repeat="monthly", remind_on="2026-01-30",
        )  # fmt: skip
        line = {"good_id": good["id"], "quantity": 1, "price": PRICE}
        deal = await desk.call(
            "POST", "/deals", name=other, account_id=account["id"], expected_on="2026-01-31",
            lines=[line], remark=name,
        )  # fmt: skip
        rows["task_id"].append(task["id"])
        rows["deal_id"].append(deal["id"])
    first, second, *_ = rows["account_id"]
    rows |= {"record_kind": ["account"], "first_id": [first], "second_id": [second]}
    for number, name in enumerate(WIDE):
        await make_user(desk, name, number)
    rows["user_id"] = await user_ids(desk)
    rows["contact_id"] = [1]
    rows["tag_id"] = [tag["id"] for tag in (await desk.call("GET", "/tags"))["items"]]
    await add_parts(desk, rows)
    rows["upload_id"] = [await upload(desk)]
    rows["kind"] = rows["page"] = ["accounts", "orders"]
    await add_own_things(desk, rows)
    rows["job_id"] = ["clean_sessions"]
    rows["token"] = ["x" * 160]
    yield Extremes(served, rows)
    await desk.page.context.close()


async def make_account(desk: Desk, name: str, code: str, other: str) -> Any:
    short = {"city": 100, "region": 100, "country": 100, "postal_code": 20, "address": 300}
    account = await desk.call(
        "POST", "/accounts", name=name, code=code, website="https://example.com/" + "w" * 250,
        tags=[other[:40]],
        email="w" * 60 + "@example.com", phone="+49 40 123456789012345678901234567890"[:20],
        **{field: (other * 2)[:length] for field, length in short.items()},
    )  # fmt: skip
    await desk.call(
        "POST", f"/accounts/{account['id']}/contacts", name=other[:120], title=name[:120],
        email="m" * 60 + "@example.com",
    )  # fmt: skip
    return account


async def make_person(desk: Desk, account: Any, name: str) -> int:
    place = {"account_id": account["id"], "title": name[:120], "is_main": True}
    address = {"address": (name * 2)[:300], "city": name[:100], "country": name[:100]}
    person = await desk.call(
        "POST", "/people", name=name[:120], do_not_contact=True, consent_given_on="2026-01-01",
        consent_how=name[:200], accounts=[place], addresses=[address],
        phones=[{"number": "+49 40 123456789012345678901234567890"}],
        emails=[{"email": "m" * 60 + "@example.com"}],
    )  # fmt: skip
    return int(person["id"])


async def make_order(desk: Desk, account: Any, good: Any, name: str, moves: list[str]) -> int:
    line = {"good_id": good["id"], "quantity": 1, "price": PRICE, "discount": "0.125"}
    order = await desk.call(
        "POST", "/orders", account_id=account["id"], currency="EUR", lines=[line],
        freight=PRICE, ship_name=(name * 2)[:200], ship_address=(name * 2)[:300],
        ship_city=name[:100], ship_country=name[:100], remark=name * 2,
    )  # fmt: skip
    for move in moves:
        await desk.move(order, move)
    return int(order["id"])


async def send(desk: Desk, path: str, **form: Any) -> str:
    """Post a form of the current sign-in, and return the address that it leads to."""
    token = await desk.page.evaluate(TOKEN)
    values = form | {"csrf_token": token}
    body: Any = values
    has_file = any(isinstance(value, dict) for value in form.values())
    post, headers = desk.page.context.request.post, {"Referer": desk.address + path}
    if has_file:
        answer = await post(desk.address + path, multipart=body, headers=headers)
    else:
        answer = await post(desk.address + path, form=body, headers=headers)
    assert answer.ok, (answer.status, await answer.text())
    return answer.url


async def make_user(desk: Desk, name: str, number: int) -> None:
    await send(
        desk, "/team/new", name=name[:120], email=f"{'w' * 50}{number}@example.com",
        department=name[:80], role="User", kind="standard", balance="0", phone="",
    )  # fmt: skip


async def user_ids(desk: Desk) -> list[int]:
    await desk.open("/team/?q=wwww")
    links = await desk.page.locator("a.row-link").evaluate_all("all => all.map((a) => a.href)")
    return [int(link.rsplit("/", 1)[1]) for link in links]


async def add_parts(desk: Desk, rows: dict[str, list[Any]]) -> None:
    """Add a note and a file with a long name to each account."""
    rows["note_id"] = []
    for account_id, name in zip(rows["account_id"], WIDE, strict=True):
        noted = await send(desk, f"/notes/account/{account_id}", body=name)
        rows["note_id"].append(noted.rpartition("-")[2])
        file = {"name": f"{name[:60]}.txt", "mimeType": "text/plain", "buffer": b"x"}
        await send(desk, f"/accounts/{account_id}/files", file=file)


async def add_own_things(desk: Desk, rows: dict[str, list[Any]]) -> None:
    """Add a custom field, a saved view and a change of many rows, and name their addresses."""
    rows["record_kind"] = ["account"]
    kinds = {"help": WIDE[0], "label": WIDE[0][:80], "in_list": "y", "position": "1"}
    await send(desk, "/fields/new/account", **kinds, version="0", type="text", key="", options="")
    rows["field_id"] = [1]
    listed = await send(desk, "/views/orders/new", name=WIDE[1][:60], arguments="sort=-net")
    rows["view_id"] = [listed.rpartition("=")[2]]
    run = await send(desk, "/bulk/orders", action="owner", which="page")
    rows["key"] = [run.partition("?")[0].rpartition("/")[2]]
    rows["record"], rows["record_id"] = ["account"], rows["account_id"]


async def upload(desk: Desk) -> str:
    """Upload a file with a mistake in a long word, and return the id of the upload."""
    await desk.open("/transfer/accounts")
    field = await desk.page.locator("[type=file]").get_attribute("name")
    text = f"code,name,website,{'unknown' * 20}\n{'c' * 40},{WIDE[0]},{'w' * 160},1\n"
    file = {"name": f"{'w' * 100}.csv", "mimeType": "text/csv", "buffer": text.encode()}
    address = await send(desk, "/transfer/accounts", **{str(field): file})
    return address.rstrip("/").rsplit("/", 1)[1]


@pytest.fixture(scope="module")
def rules() -> list[Rule]:
    return [*create_app("testing").url_map.iter_rules()]


def paths(rules: list[Rule], rows: dict[str, list[Any]]) -> list[str]:
    """Return the addresses of all pages, each with the values of ``rows`` in turn.

    The pages of an order differ by its state, and some others by the kind of their records.
    """
    found = []
    for turn, rule in enumerate(rules):
        if "GET" not in (rule.methods or ()) or NO_PAGES.search(rule.rule) or rule.websocket:
            continue
        choices: list[str] = [re.sub(r"<(?:[^:>]*:)?(\w+)>", r"{\1}", rule.rule)]
        for name in rule.arguments:
            values = rows[name]
            if name not in EACH or rule.rule in SAME_IN_EACH:
                values = [values[turn % len(values)]]
            choices = [
                path.replace(f"{{{name}}}", str(value)) for path in choices for value in values
            ]
        found += choices
    return [*found, f"/search?q={WIDE[0]}", f"/accounts/?q={WIDE[1]}", "/orders/?sort=-net"]


@pytest.mark.parametrize("part", range(PARTS))
async def test_pages_are_sound_whatever_is_written(
    extremes: Extremes, rules: list[Rule], browser: Browser, part: int
) -> None:
    # Colours that still fade into those of the other scheme would be examined half-way.
    desk = await sit_down(browser, extremes.address, reduced_motion="reduce")
    faults: dict[str, list[str]] = {}
    for path in paths(rules, extremes.rows)[part::PARTS]:
        await desk.page.goto(extremes.address + path)
        for width, scheme in SHOWN:
            await desk.page.set_viewport_size({"width": width, "height": 844})
            await desk.page.emulate_media(color_scheme=scheme)
            if found := [*await outside(desk.page), *await axe_faults(desk.page)]:
                faults[f"{path} at {width}, {scheme}"] = found
            if folder := os.environ.get("SCREENSHOTS"):
                name = re.sub(r"\W+", "_", path)[:60]
                await desk.page.screenshot(path=f"{folder}/{width}{name}.png", full_page=True)
    assert (desk.complaints, desk.foreign) == ([], [])
    assert faults == {}, "\n".join(f"{path}: {found}" for path, found in faults.items())
