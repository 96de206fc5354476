"""Custom fields: defined by administrators, and then a part of forms, pages, lists and the API."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from quart import Response

from quarterdeck_crm.deals.services import make_order, move_deal
from quarterdeck_crm.errors import ForbiddenError, ValidationError
from quarterdeck_crm.extras.fields import (
    create_field,
    key_of,
    list_fields,
    set_field_archived,
    update_field,
)
from quarterdeck_crm.extras.reading import read_extras
from quarterdeck_crm.models import Account, CustomField, Order, User
from quarterdeck_crm.orders.actions import copy_order
from quarterdeck_crm.orders.services import get_order, update_order
from quarterdeck_crm.saved_views.services import create_view
from tests.crm.conftest import Auth
from tests.crm.extras import audit_lines
from tests.crm.sheets import sheet_to
from tests.crm.trading import Trade

FIELDS: list[dict[str, Any]] = [
    {"label": "Colour", "type": "choice", "options": ["red", "blue"], "in_list": True},
    {"label": "Size", "type": "number", "in_list": True},
    {"label": "Since", "type": "date"},
    {"label": "VIP", "type": "yes_no"},
    {"label": "Hobby", "type": "text", "help": "For small talk."},
]
VALUES = {"colour": "red", "size": "12.5", "since": "2026-01-31", "vip": True, "hobby": "Sailing"}


async def text_of(response: Response) -> str:
    return str(await response.get_data(as_text=True))


def names(page: str) -> list[str]:
    return re.findall(r'class="row-link" href="[^"]*">([^<]*)<', page)


def errors_on(page: str) -> list[str]:
    return re.findall(r'<a href="#([^"]*)">[^<]*</a>: ([^<]*)<', page)


async def define(trade: Trade, kind: str, **more: Any) -> None:
    async with trade.session() as session:
        for values in FIELDS:
            await create_field(session, actor=None, kind=kind, values=values | more)


@pytest.mark.parametrize("kind", ["account", "person", "good", "deal", "order"])
async def test_each_kind_has_the_fields_in_forms_pages_lists_and_the_api(
    as_admin: Auth, admin: User, trade: Trade, kind: str
) -> None:
    await define(trade, kind)
    path = {"person": "people"}.get(kind, f"{kind}s")
    make: dict[str, Any] = {
        "account": trade.account,
        "person": trade.person,
        "good": trade.good,
        "deal": trade.deal,
        "order": trade.order,
    }
    await make[kind]()
    await make[kind](fields={"colour": "blue", "size": -3})

    page = f"/{path}/1/edit"
    form = await text_of(await as_admin.get(page))
    assert "For small talk." in form
    sheet = sheet_to(form, page, address=page)
    typed = {f"fields.{key}": str(value) for key, value in VALUES.items()}
    saved = await as_admin.client.post(page, form=sheet.values | typed | {"fields.vip": "yes"})
    assert saved.status_code == 303, errors_on(await text_of(saved))
    read = await as_admin.get(f"/api/v1/{path}/1")
    assert (await read.get_json())["fields"] == VALUES
    shown = await text_of(await as_admin.get(f"/{path}/1"))
    for label, value in {"Colour": "red", "VIP": "yes", "Hobby": "Sailing"}.items():
        assert f"<dt>{label}</dt><dd>{value}</dd>" in shown
    assert "Colour set to red" in shown, "the history has the label"
    again = sheet_to(await text_of(await as_admin.get(page)), page, address=page)
    assert {name: again.values[name] for name in typed} == typed | {"fields.vip": "yes"}

    listed = await text_of(await as_admin.get(f"/{path}/"))
    assert '<td data-label="Colour">blue</td>' in listed
    assert '<option value="vip:yes">VIP: yes' in listed
    for query, ids in {
        "colour:red": [1],
        "size:10..20": [1],
        "size:..0": [2],
        "size:12.5": [1],
        "since:2026-01-01..": [1],
        "since:..2026-01-01": [],
        "vip:yes": [1],
        "vip:no": [],
        "hobby:sAI": [1],
    }.items():
        found = await (await as_admin.get(f"/api/v1/{path}?field={query}")).get_json()
        assert sorted(row["id"] for row in found["items"]) == ids, query
        assert len(names(await text_of(await as_admin.get(f"/{path}/?field={query}")))) == len(ids)
    for query in ("colour", "shape:x", "size:x", "since:x", "vip:x"):
        wrong = await as_admin.get(f"/api/v1/{path}?field={query}")
        assert wrong.status_code == (200 if query == "colour" else 400), query

    token = await as_admin.token()
    headers = {"If-Match": read.headers["ETag"], "X-CSRFToken": token}
    patch = {"fields": {"size": 7, "hobby": None}}
    changed = await as_admin.client.patch(f"/api/v1/{path}/1", json=patch, headers=headers)
    answer = await changed.get_json()
    assert answer["fields"] == {k: v for k, v in VALUES.items() if k != "hobby"} | {"size": "7"}
    wrong_values = {
        "colour": "green", "size": True, "since": "x", "vip": "perhaps", "hobby": 5, "x/y": 1,
    }  # fmt: skip
    refused = await as_admin.client.patch(
        f"/api/v1/{path}/1", json={"fields": wrong_values}, headers=headers | {"If-Match": "*"}
    )
    problem = await refused.get_json()
    assert {error["pointer"] for error in problem["errors"]} == {
        "/fields/colour", "/fields/size", "/fields/since", "/fields/vip", "/fields/hobby",
        "/fields/x~1y",
    }, problem  # fmt: skip


async def test_a_required_field_is_required_of_people_and_programs(
    auth: Auth, user: User, trade: Trade
) -> None:
    account = await trade.account(actor=user)
    await define(trade, "account", required=True)
    await define(trade, "order", required=True)
    page = "/accounts/1/edit"
    sheet = sheet_to(await text_of(await auth.get(page)), page, address=page)
    refused = await auth.client.post(page, form=sheet.values | {"fields.size": "many"})
    assert refused.status_code == 422
    answer = await text_of(refused)
    for key in ("colour", "size", "since", "vip", "hobby"):
        assert f'href="#fields.{key}"' in answer
    assert 'value="many"' in answer
    headers = {"X-CSRFToken": await auth.token(), "If-Match": "*"}
    path = "/api/v1/accounts"
    new = await auth.client.post(path, json={"name": "New"}, headers=headers)
    assert new.status_code == 422, await text_of(new)
    other = await auth.client.patch(f"{path}/1", json={"city": "Graz"}, headers=headers)
    assert other.status_code == 200, "nobody has to correct what they did not touch"

    good = await trade.good()
    deal = await trade.deal((good, 1), actor=user, account_id=account.id)
    async with trade.session() as session:
        await move_deal(session, actor=user, deal_id=deal.id, stage_id=4)
        order = await make_order(session, actor=user, deal_id=deal.id)
        assert order.id == 1, "the system fills in no fields, so none are required of it"
        extras = {"tags": ["Wine"], "fields": VALUES}
        fresh = await get_order(session, order_id=order.id)
        await update_order(session, actor=user, order=fresh, values=extras, version=fresh.version)
        copied, _missing = await copy_order(
            session, actor=user, order=await get_order(session, order_id=order.id)
        )
        found = await read_extras(session, Order, [copied.id])
        assert found.form_data(copied.id)["tags"] == "Wine"
        assert found.values_of(copied.id).keys() == VALUES.keys()


async def test_administrators_define_change_and_archive_fields(
    auth: Auth, as_admin: Auth, user: User, trade: Trade
) -> None:
    assert (await auth.get("/fields/")).status_code == 403
    page = "/fields/new/account"
    sheet = sheet_to(await text_of(await as_admin.get(page)), page, address=page)
    wrong = {"label": "Größe", "type": "choice", "key": "Größe"}
    refused = await text_of(await as_admin.client.post(page, form=sheet.values | wrong))
    assert "Use small Latin letters" in refused
    assert "Enter at least one choice." in refused
    right = {"label": "Größe", "type": "choice", "options": "klein\n\ngroß\nklein"}
    saved = await as_admin.client.post(page, form=sheet.values | right | {"in_list": "y"})
    assert saved.status_code == 303, await text_of(saved)
    twice = await as_admin.client.post(page, form=sheet.values | right)
    assert "Another field has this key." in await text_of(twice)
    await trade.account(actor=user, fields={"grosse": "klein"})

    sheet = sheet_to(
        await text_of(await as_admin.get("/fields/1")), "/fields/1", address="/fields/1"
    )
    assert sheet.values["options"] == "klein\ngroß"
    changed = sheet.values | {"label": "Umfang", "options": "groß"}
    assert (await as_admin.client.post("/fields/1", form=changed)).status_code == 303
    assert (await as_admin.client.post("/fields/1", form=changed)).status_code == 409
    assert "<dt>Umfang</dt><dd>klein</dd>" in await text_of(await auth.get("/accounts/1"))
    page = "/accounts/1/edit"
    sheet = sheet_to(await text_of(await auth.get(page)), page, address=page)
    assert sheet.values["fields.grosse"] == "klein", "a choice that is gone may stay"
    kept = await auth.client.post(page, form=sheet.values | {"city": "Graz"})
    assert kept.status_code == 303, await text_of(kept)

    archive = sheet_to(
        await text_of(await as_admin.get("/fields/1")), "/fields/1/archive", address="/fields/1"
    )
    await as_admin.client.post(archive.action, form=archive.values)
    assert "Umfang" not in await text_of(await auth.get("/accounts/"))
    restore = sheet_to(
        await text_of(await as_admin.get("/fields/1")), "/fields/1/restore", address="/fields/1"
    )
    await as_admin.client.post(restore.action, form=restore.values)
    assert 'data-label="Umfang">klein<' in await text_of(await auth.get("/accounts/"))
    changes = {"label": ["Größe", "Umfang"], "options": [["klein", "groß"], ["groß"]]}
    assert await audit_lines(trade, "account field ") == [
        ("field_created", "account field grosse", {}),
        ("field_changed", "account field grosse", changes),
        ("field_archived", "account field grosse", {}),
        ("field_restored", "account field grosse", {}),
    ]


async def test_a_late_save_shows_what_changed_in_the_fields(
    auth: Auth, user: User, trade: Trade
) -> None:
    await define(trade, "account")
    await trade.account(actor=user, fields={"colour": "red", "size": 1})
    page = "/accounts/1/edit"
    sheet = sheet_to(await text_of(await auth.get(page)), page, address=page)
    first = sheet.values | {"fields.size": "2", "fields.colour": "blue"}
    assert (await auth.client.post(page, form=first)).status_code == 303
    late = await auth.client.post(page, form=sheet.values | {"fields.size": "3"})
    assert late.status_code == 409
    answer = await text_of(late)
    assert re.search(r'<th scope="row">Colour</th>\s*<td>blue</td>\s*<td>red</td>', answer)
    merged = sheet_to(answer, page, address=page).values
    assert (merged["fields.colour"], merged["fields.size"]) == ("blue", "3")


async def test_values_of_many_records_are_read_at_once(trade: Trade) -> None:
    await define(trade, "account")
    for number in range(3):
        await trade.account(fields={"size": number, "since": date(2026, 1, 1)})
    async with trade.session() as session:
        with trade.statements() as statements:
            extras = await read_extras(session, Account, [1, 2, 3])
    assert len(statements) == 3, "tags, fields, values; in a request only the last"
    assert extras.values_of(3) == {"size": Decimal(2), "since": date(2026, 1, 1)}


async def test_fields_have_limits_and_keys(user: User, trade: Trade) -> None:
    assert [key_of(label) for label in ("Größe (cm)", "2nd", "尺寸", "")] == [
        "grosse_cm", "nd", "", "",
    ]  # fmt: skip
    async with trade.session() as session:
        values = {"label": "More", "type": "text"}
        with pytest.raises(ForbiddenError):
            await create_field(session, actor=user, kind="account", values=values)
        session.add_all(
            CustomField(kind="account", key=f"k{n}", label="x", type="text") for n in range(50)
        )
        await session.flush()
        with pytest.raises(ValidationError, match="at most 50 fields"):
            await create_field(session, actor=None, kind="account", values=values)
        with pytest.raises(ValidationError, match="required"):
            await create_field(session, actor=None, kind="good", values=values | {"label": "尺寸"})


async def test_a_form_says_that_a_field_or_a_choice_is_gone_since_it_was_opened(
    auth: Auth, user: User, trade: Trade
) -> None:
    await define(trade, "account")
    await trade.account(actor=user)
    page = "/accounts/1/edit"
    sheet = sheet_to(await text_of(await auth.get(page)), page, address=page)
    async with trade.session() as session:
        colour, *_others, hobby = await list_fields(session, kind="account")
        values = {"options": ["green", "blue"]}
        await update_field(session, actor=None, field=colour, values=values, version=1)
        await set_field_archived(session, actor=None, field=hobby, archived=True)
    entered = sheet.values | {"fields.colour": "red", "fields.hobby": "Sailing", "city": "Graz"}
    refused = await auth.client.post(page, form=entered)
    answer = unescape(await text_of(refused))
    assert refused.status_code == 422
    assert "'red' is no longer offered. Choose again." in answer
    assert "The field 'hobby' is no longer in use." in answer
    assert "without 'Sailing'" in answer
    again = sheet_to(answer, page, address=page)
    assert again.values["city"] == "Graz"
    assert "fields.hobby" not in again.values
    saved = await auth.client.post(page, form=again.values | {"fields.colour": "green"})
    assert saved.status_code == 303


async def test_a_list_is_shown_without_a_filter_by_a_field_that_is_gone(
    auth: Auth, user: User, trade: Trade
) -> None:
    await define(trade, "account")
    await trade.account(actor=user, name="Red one", fields={"colour": "red", "size": 1})
    await trade.account(actor=user, name="Other", fields={"hobby": "Sailing"})
    for arguments in ("field=hobby:S", "field=size:1", "field=vip:yes", "field=colour:red"):
        async with trade.session() as session:
            values = {"name": arguments, "arguments": arguments}
            await create_view(session, actor=user, page="accounts", values=values)
    async with trade.session() as session:
        colour, size, _since, vip, hobby = await list_fields(session, kind="account")
        green = {"options": ["green"]}
        await update_field(session, actor=None, field=colour, values=green, version=1)
        for each in (size, vip, hobby):
            await set_field_archived(session, actor=None, field=each, archived=True)
    for view, key in enumerate(("hobby", "size", "vip"), start=1):
        listed = unescape(await text_of(await auth.get(f"/accounts/?view={view}")))
        assert f"There is no field '{key}'. It may have been archived." in listed
        assert len(names(listed)) == 2
        assert (await auth.get(f"/api/v1/accounts?field={key}:x")).status_code == 400
    listed = await text_of(await auth.get("/accounts/?view=4"))
    assert "Custom field: Colour: red" in listed
    assert '<option value="colour:red" selected>' in listed, "Apply keeps the filter"
    assert names(listed) == ["Red one"], "records keep a choice that is no longer offered"
