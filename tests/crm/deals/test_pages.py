"""The pages of deals, as a browser without JavaScript uses them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from quart import Response

from quarterdeck_crm.models import Role, User
from tests.crm.conftest import Auth, MakeUser
from tests.crm.sheets import sheet_to, sheets_on
from tests.crm.trading import Trade


async def text_of(response: Response) -> str:
    return str(await response.get_data(as_text=True))


def names(page: str) -> list[str]:
    return re.findall(r'class="row-link" href="/deals/\d+">([^<]*)<', page)


def stage_of(page: str) -> list[str]:
    return re.findall(r'(?s)aria-current="step"><svg.*?</svg>([^<]+)<', page)


async def test_from_the_form_over_the_board_to_the_order(auth: Auth, trade: Trade) -> None:
    await trade.deal(name="Other")
    account = await trade.account(name="Ernst Handel")
    good = await trade.good(name="Rope", price="10")
    page = f"/deals/new?account={account.id}"
    sheet = sheet_to(await text_of(await auth.get(page)), "/deals/new", address=page)
    lines = {"lines-0-good": "Rope", "lines-0-quantity": "2"}
    made = await auth.client.post(sheet.action, form=sheet.values | {"name": "Refit"} | lines)
    assert made.location == "/deals/2", await text_of(made)

    board = await text_of(await auth.get("/deals/board?q=ernst"))
    assert names(board) == ["Refit"]
    assert 'value="20.00"' in board
    assert 'value="4.00"' in board, "weighted"
    moves = [
        sheet
        for sheet in sheets_on(board, "/deals/board")
        if sheet.action.startswith("/deals/2/move")
    ]
    assert [sheet.values["to"] for sheet in moves] == ["2", "3", "4", "5"]
    refused = await auth.client.post(moves[3].action, form=moves[3].values)
    assert refused.status_code == 422
    assert "Enter why the deal is lost." in await text_of(refused)
    won = await auth.client.post(moves[2].action, form=moves[2].values)
    assert won.location == "/deals/board?q=ernst"
    late = await auth.client.post(moves[0].action, form=moves[0].values)
    assert late.status_code == 409, "it has moved since the board was opened"

    shown = await text_of(await auth.get("/deals/2"))
    (task,) = [each for each in sheets_on(shown, "/deals/2") if "deal_id" in each.values]
    added = await auth.client.post(task.action, form=task.values | {"title": "Thank Ada"})
    assert added.status_code == 303
    assert "Thank Ada" in await text_of(await auth.get("/deals/2"))
    sheet = sheet_to(shown, "/deals/2/order")
    ordered = [await auth.client.post(sheet.action, form=sheet.values) for _ in range(2)]
    assert [answer.location for answer in ordered] == ["/orders/1", "/orders/1"]
    assert good.name in await text_of(await auth.get("/orders/1"))


async def test_an_account_is_created_from_the_form_of_a_deal_which_keeps_its_entries(
    auth: Auth, trade: Trade
) -> None:
    await trade.deal()
    sheet = sheet_to(await text_of(await auth.get("/deals/new")), "/deals/new")
    typed = sheet.values | {"name": "Refit", "account": "Harbour Office", "remark": "Soon"}

    async def create() -> dict[str, Any]:
        answer = await auth.client.post("/accounts/new/for-deal", form=typed)
        assert answer.status_code == 200
        return sheet_to(await text_of(answer), "/deals/new").values

    values = await create()
    assert values["account"].startswith("Harbour Office · #")
    assert (values["name"], values["remark"]) == ("Refit", "Soon")
    assert (await create())["account"] == values["account"], "sent twice, made once"
    made = await auth.client.post("/deals/new", form=values)
    assert made.location == "/deals/2", await text_of(made)
    refused = await auth.client.post("/accounts/new/for-deal", form=typed | {"account": ""})
    assert refused.status_code == 422
    assert "Soon" in await text_of(refused)


async def test_the_open_deals_of_a_person_are_on_its_page(auth: Auth, trade: Trade) -> None:
    oak, pine = await trade.account(name="Oak"), await trade.account(name="Pine")
    await trade.person(oak, name="Ann")
    await trade.person(name="Ben", accounts=[{"account_id": oak.id}, {"account_id": pine.id}])
    assert "No open deals." in await text_of(await auth.get("/people/2"))
    soon = date(2026, 3, 1)
    await trade.deal(account_id=oak.id, contact_id=1, name="Of Ann")
    for number in range(6):
        account_id, contact_id = (pine.id, 3) if number % 2 else (oak.id, 2)
        await trade.deal(
            account_id=account_id,
            contact_id=contact_id,
            name=f"Of Ben {number}",
            expected_on=soon + timedelta(days=number),
        )

    page = await text_of(await auth.get("/people/2"))
    assert names(page) == [f"Of Ben {number}" for number in range(5)]
    assert 'href="/deals/?person=2">All deals<' in page
    assert names(await text_of(await auth.get("/people/1"))) == ["Of Ann"]
    every = [f"Of Ben {number}" for number in range(6)]
    assert names(await text_of(await auth.get("/deals/?person=2"))) == every
    found = await (await auth.get("/api/v1/deals?person=2")).get_json()
    assert [deal["name"] for deal in found["items"]] == every


async def test_the_form_offers_the_contacts_of_the_account_that_is_entered(
    auth: Auth, trade: Trade
) -> None:
    ernst, other = await trade.account(name="Ernst Handel"), await trade.account(name="Other")
    await trade.person(ernst, name="Ann")
    await trade.person(other, name="Bob")
    await trade.deal(account_id=other.id)
    sheet = sheet_to(await text_of(await auth.get("/deals/new")), "/deals/new")
    entries = {"name": "Refit", "account": "Ernst Handel"}
    typed = sheet.values | entries | {"show_contacts": "1"}
    page = await text_of(await auth.client.post("/deals/new", form=typed))
    assert '<option value="1">Ann</option>' in page
    assert "Bob" not in page
    edit = sheet_to(await text_of(await auth.get("/deals/1/edit")), "/deals/1/edit")
    typed = edit.values | {"account": "Ernst Handel", "contact_id": "1"}
    assert (await auth.client.post("/deals/1/edit", form=typed)).status_code == 303
    assert "Ann" in await text_of(await auth.get("/deals/1"))

    for words, found in (("Ernst Handel", [{"id": 1, "name": "Ann"}]), ("n", []), ("", [])):
        answer = await auth.get(f"/deals/contacts?account={words}")
        assert await answer.get_json() == found


async def test_the_page_of_a_deal_shows_its_stages_and_its_contact(
    auth: Auth, make_user: MakeUser, trade: Trade
) -> None:
    other = await make_user(Role.USER, email="other@example.com")
    await trade.deal(actor=other, owner_id=other.id)
    assert "/deals/1/move" not in await text_of(await auth.get("/deals/1"))
    account = await trade.account(name="Ernst Handel")
    await trade.person(
        account, name="Ann", phones=[{"number": "030 123"}], emails=[{"email": "ann@example.com"}]
    )
    page = f"/deals/new?account={account.id}&contact=1"
    assert page.replace("&", "&amp;") in await text_of(await auth.get("/people/1"))
    sheet = sheet_to(await text_of(await auth.get(page)), "/deals/new", address=page)
    assert sheet.values["contact_id"] == "1"
    await auth.client.post(sheet.action, form=sheet.values | {"name": "Refit"})

    shown = await text_of(await auth.get("/deals/2"))
    assert '<a href="/people/1">Ann</a>' in shown
    assert 'href="tel:030123"' in shown
    assert 'href="mailto:ann@example.com"' in shown
    assert stage_of(shown) == ["Qualified"]
    moves = [each for each in sheets_on(shown, "/deals/2") if "/move" in each.action]
    assert [sheet.values["to"] for sheet in moves] == ["2", "3", "4", "5"]
    moved = await auth.client.post(moves[1].action, form=moves[1].values)
    assert moved.location == "/deals/2"
    assert stage_of(await text_of(await auth.get("/deals/2"))) == ["Negotiation"]


async def test_the_filters_of_the_list(
    auth: Auth, user: User, make_user: MakeUser, trade: Trade
) -> None:
    other = await make_user(Role.USER, email="other@example.com")
    today = datetime.now(UTC).date()
    account = await trade.account(name="Ernst Handel")
    await trade.deal(actor=user, name="Late", expected_on=today - timedelta(days=2), value=3)
    await trade.deal(actor=other, name="Soon", expected_on=today, account_id=account.id, value=9)
    await trade.deal(name="Free", owner_id=None, value=5)

    for query, expected in {
        "": ["Free", "Late", "Soon"],
        "sort=-value": ["Soon", "Free", "Late"],
        "sort=name": ["Free", "Late", "Soon"],
        "owner=me": ["Late"],
        "owner=none": ["Free"],
        "late=1": ["Late"],
        "stage=1": ["Free", "Late", "Soon"],
        "stage=2": [],
        f"account={account.id}": ["Soon"],
        "q=handel soo": ["Soon"],
        "state=won": [],
        "state=x&stage=x&owner=x": ["Free", "Late", "Soon"],
    }.items():
        assert names(await text_of(await auth.get(f"/deals/?{query}"))) == expected, query


async def test_the_pipeline_is_edited_by_administrators(
    auth: Auth, as_admin: Auth, trade: Trade
) -> None:
    assert "Ask an administrator" in await text_of(await auth.get("/deals/board"))
    assert (await auth.get("/deals/stages")).status_code == 403
    page = await text_of(await as_admin.get("/deals/board"))
    sheet = sheet_to(page, "/deals/stages/usual")
    await as_admin.client.post(sheet.action, form=sheet.values)

    page = await text_of(await as_admin.get("/deals/stages"))
    sheet = sheet_to(page, "/deals/stages", address="/deals/stages")
    more = {"stages-0-name": "Leads", "stages-5-name": "Trial", "stages-5-probability": "101"}
    wrong = await as_admin.client.post("/deals/stages", form=sheet.values | more)
    assert wrong.status_code == 422
    assert 'value="Leads"' in await text_of(wrong)
    more["stages-5-probability"] = "50"
    double = more | {"stages-5-name": "leads"}
    wrong = await as_admin.client.post("/deals/stages", form=sheet.values | double)
    assert wrong.status_code == 422
    assert "Another stage has this name." in await text_of(wrong)
    saved = await as_admin.client.post("/deals/stages", form=sheet.values | more)
    assert saved.status_code == 303, await text_of(saved)

    board = await text_of(await auth.get("/deals/board"))
    found = re.findall(r'data-label="([^"]*)"', board)
    assert found == ["Leads", "Offer sent", "Negotiation", "Won", "Lost", "Trial"]

    stale = await as_admin.client.post("/deals/stages", form=sheet.values)
    assert stale.status_code == 409
    assert "Another user changed the pipeline" in await text_of(stale)
    page = await text_of(await as_admin.get("/deals/stages"))
    sheet = sheet_to(page, "/deals/stages", address="/deals/stages")
    for name, value, reason in (
        ("stages-0-kind", "none of these", "Not a valid choice"),
        ("reasons", "Price \u202egnp.exe", "turn the direction of writing"),
    ):
        wrong = await as_admin.client.post("/deals/stages", form=sheet.values | {name: value})
        assert wrong.status_code == 422
        assert reason in await text_of(wrong)
    assert 'value="Trial"' in page, "the stage of the other user is still there"


async def test_the_board_has_the_filters_of_its_list(auth: Auth, user: User, trade: Trade) -> None:
    account = await trade.account(name="Ernst Handel")
    other = (await trade.account(name="Other")).id
    common: dict[str, Any] = {"actor": user, "expected_on": date(2026, 3, 1), "tags": ["hot"]}
    await trade.deal(name="Small", value=5, account_id=account.id, **common)
    await trade.deal(name="Large", value=500, account_id=account.id, **common)
    await trade.deal(name="Foreign", value=500, account_id=other, **common)
    late = common | {"expected_on": date(2026, 5, 1), "tags": []}
    await trade.deal(name="May", value=500, account_id=account.id, **late)
    for query, names in (
        ("value_from=100", {"Large", "Foreign", "May"}),
        (f"account={account.id}&value_to=100", {"Small"}),
        ("account=Ernst", {"Small", "Large", "May"}),
        ("tag=1", {"Small", "Large", "Foreign"}),
        (f"expected_from=2026-04-01&owner={user.id}", {"May"}),
        ("stage=2", set()),
        ("state=won", {"Small", "Large", "Foreign", "May"}),
    ):
        board = await text_of(await auth.get(f"/deals/board?{query}"))
        found = set(
            re.findall(
                r"Small|Large|Foreign|May", re.sub(r"(?s).*?class=\"board ", "", board, count=1)
            )
        )
        assert found == names, query
    board = await text_of(await auth.get("/deals/board?value_from=100&value_to=x"))
    assert 'aria-invalid="true"' in board
    board = await text_of(await auth.get("/deals/board?tag=1&value_from=100"))
    more = re.search(r'class="board-more" href="/deals/\?([^"]*)">All in Won', board)
    assert more
    assert set(more[1].split("&amp;")) == {"tag=1", "value_from=100", "stage=4", "state=won"}
    assert 'aria-label="Remove the filter Tag: hot"' in board


async def test_folded_columns_stay_folded(auth: Auth, trade: Trade) -> None:
    await trade.deal()
    auth.client.set_cookie("localhost", "folded_stages", "2.5")

    board = await text_of(await auth.get("/deals/board"))

    assert re.findall(r'data-fold="(\d)" open', board) == ["1", "3", "4"]


async def test_without_stages_a_deal_is_refused_with_the_reason(auth: Auth, trade: Trade) -> None:
    await trade.account(name="Ernst Handel")
    sheet = sheet_to(
        await text_of(await auth.get("/deals/new")), "/deals/new", address="/deals/new"
    )

    more = {"name": "Refit", "account": "Ernst Handel"}
    answer = await auth.client.post("/deals/new", form=sheet.values | more)

    assert answer.status_code == 409
    assert "The pipeline has no stages yet." in await text_of(answer)
