"""A custom field set on many records at once: with each type, a preview, undo, and the API."""

from __future__ import annotations

import re
from typing import Any

import pytest

from quarterdeck_crm.extras.fields import create_field, get_field, set_field_archived, update_field
from quarterdeck_crm.extras.reading import read_extras
from quarterdeck_crm.models import CustomField, Role, User
from tests.crm.conftest import Auth, MakeUser
from tests.crm.extras.test_fields import VALUES, define
from tests.crm.test_bulk import change, form_of, selected, undone
from tests.crm.test_undo import text_of
from tests.crm.trading import Trade

ERROR = re.compile(r'<div class="invalid-feedback" id="value-error">([^<]*)<')


async def values_of(trade: Trade, *rows: Any) -> list[dict[str, Any]]:
    async with trade.session() as session:
        extras = await read_extras(session, type(rows[0]), [row.id for row in rows])
        return [dict(extras.values_of(row.id)) for row in rows]


@pytest.mark.parametrize("kind", ["account", "deal", "good", "order", "person"])
async def test_a_field_of_each_type_is_set_on_each_kind_and_undone(
    as_admin: Auth, admin: User, trade: Trade, kind: str
) -> None:
    make = getattr(trade, kind)
    await define(trade, kind)
    rows = [await make(fields=fields) for fields in (VALUES, {}, {"size": "3"})]
    before = await values_of(trade, *rows)
    path = f"/{'people' if kind == 'person' else f'{kind}s'}/"
    cases = (
        ("colour", "blue", "blue", "3 records are changed."),
        ("vip", "yes", True, "2 records are changed. 1 stays as it is:"),
        ("hobby", "Chess: blitz", "Chess: blitz", "3 records are changed."),
        ("size", "12,5", before[0]["size"], "2 records are changed. 1 stays as it is:"),
        ("since", "2026-02-03", None, "3 records are changed."),
        ("size", "", None, "2 records are changed. 1 stays as it is:"),
    )
    for key, typed, stored, words in cases:
        preview = await selected(as_admin, path, "field", *(row.id for row in rows))
        shown = await text_of(await as_admin.get(f"{preview}&field={key}"))
        assert "3 records can be changed." in shown
        assert f'<option value="{key}" selected>' in shown
        entries = {"value": typed} if typed else {"empties": "y"}
        page = await change(as_admin, f"{preview}&field={key}", **entries)
        assert words in page, key
        after = [fields.get(key) for fields in await values_of(trade, *rows)]
        if key == "since":
            assert [str(day) for day in after] == [typed] * 3
        else:
            assert after == [stored] * 3, key
        assert (await trade.history(rows[1]))[0] in {"changed", "created"}
        assert "is undone." in await undone(as_admin, page)
        assert await values_of(trade, *rows) == before, key


async def test_the_preview_has_the_entry_of_the_chosen_field(
    auth: Auth, user: User, trade: Trade
) -> None:
    account = await trade.account(actor=user)
    assert 'value="field"' not in await text_of(await auth.get("/accounts/"))
    preview = await selected(auth, "/accounts/", "field", account.id)
    assert "There are no custom fields yet." in await text_of(await auth.get(preview))
    await define(trade, "account")
    assert '<option value="field">Set a custom field' in await text_of(await auth.get("/accounts/"))
    kinds = {"": "select", "vip": "select", "size": "text", "since": "date", "hobby": "text"}
    for key, kind in kinds.items():
        page = await text_of(await auth.get(f"{preview}&field={key}"))
        sheet = form_of(page, "/bulk/run/")
        assert sheet.kinds["value"] == kind
        assert sheet.values["field"] == (key or "colour")


async def test_wrong_values_are_named_beside_the_entry_and_kept(
    auth: Auth, user: User, trade: Trade
) -> None:
    account = await trade.account(actor=user)
    await define(trade, "account")
    preview = await selected(auth, "/accounts/", "field", account.id)
    for key, typed, problem in (
        ("size", "1,234", "can be read in two ways"),
        ("since", "2026-02-30", "Enter a date as YYYY-MM-DD."),
        ("hobby", "x" * 501, "At most 500 characters"),
        ("colour", "green", "Choose one of the offered values."),
        ("size", " ", "Enter a value."),
    ):
        page = await text_of(await auth.get(f"{preview}&field={key}"))
        sheet = form_of(page, "/bulk/run/")
        answer = await auth.client.post(sheet.action, form=sheet.values | {"value": typed})
        assert answer.status_code == 422
        page = await answer.get_data(as_text=True)
        (shown,) = ERROR.findall(page)
        assert problem in shown
        if key != "colour":
            again = form_of(page, "/bulk/run/")
            assert again.values["value"] == typed
    gone = await auth.client.post(sheet.action, form=sheet.values | {"field": "x"})
    assert gone.status_code == 422
    long = "x" * 500
    await change(auth, f"{preview}&field=hobby", value=long)
    assert (await values_of(trade, account))[0]["hobby"] == long


async def test_an_undo_gives_back_what_may_not_be_chosen_any_more(
    as_admin: Auth, admin: User, trade: Trade
) -> None:
    accounts = [await trade.account(), await trade.account()]
    async with trade.session() as session:
        values = {"label": "Colour", "type": "choice", "options": ["red", "blue"]}
        field = await create_field(session, actor=admin, kind="account", values=values)
    red = await trade.account(fields={"colour": "red"})
    ids = [account.id for account in (*accounts, red)]
    preview = await selected(as_admin, "/accounts/", "field", *ids)
    page = await change(as_admin, preview, value="blue")

    async def edit(**more: Any) -> None:
        async with trade.session() as session:
            found: CustomField = await get_field(session, field_id=field.id)
            await update_field(
                session, actor=admin, field=found, values=values | more, version=found.version
            )

    await edit(options=["blue"], required=True)
    assert "The change of 3 records is undone." in await undone(as_admin, page)
    assert await values_of(trade, *accounts, red) == [{}, {}, {"colour": "red"}]

    preview = await selected(as_admin, "/accounts/", "field", *ids)
    page = await change(as_admin, preview, value="blue")
    async with trade.session() as session:
        found = await get_field(session, field_id=field.id)
        await set_field_archived(session, actor=admin, field=found, archived=True)
    assert "There is no such field." in await undone(as_admin, page)


async def test_programs_set_a_field(
    auth: Auth, user: User, make_user: MakeUser, trade: Trade
) -> None:
    other = await make_user(Role.USER, email="other@example.com")
    await define(trade, "account")
    mine, theirs = await trade.account(actor=user), await trade.account(actor=other)
    token = {"X-CSRFToken": await auth.token()}

    async def send(**body: object) -> tuple[int, Any]:
        body = {"records": "accounts", "action": "field", "ids": [mine.id, theirs.id]} | body
        answer = await auth.client.post("/api/v1/bulk", json=body, headers=token)
        return answer.status_code, await answer.get_json()

    for key, value, stored in (
        ("vip", True, True),
        ("vip", False, False),
        ("size", 7, 7),
        ("hobby", "Chess", "Chess"),
        ("hobby", None, None),
    ):
        status, result = await send(field=key, value=value)
        assert (status, result["changed"]) == (200, [mine.id])
        assert [each["id"] for each in result["refused"]] == [theirs.id]
        assert (await values_of(trade, mine))[0].get(key) == stored
    for field, value in (("size", "x"), ("nothing", "1"), ("colour", "green"), (None, "1")):
        assert (await send(field=field, value=value))[0] == 422
    owner = {"action": "owner", "value": "me"}
    assert (await send(**owner))[0] == 422
