"""The filter by a text, a number or a date among the custom fields, in the panel of each list."""

from __future__ import annotations

import re
from typing import Any

import pytest

from quarterdeck_crm.models import User
from tests.crm.conftest import Auth
from tests.crm.sheets import Sheet, sheets_on
from tests.crm.trading import Trade

from .test_fields import define, names, text_of

CHIP = re.compile(r'<li>(.*?)<a href="\?([^"]*)" aria-label="Remove the filter ([^"]*)"')
PROBLEM = re.compile(r'id="filter-field-problem">([^<]*)<')
OPTION = re.compile(r'<option value="([^"]*)" selected>([^<]*)</option>')
PATHS = {
    "account": "/accounts/",
    "person": "/people/",
    "good": "/goods/",
    "deal": "/deals/",
    "order": "/orders/",
}
NUMBERS = {"Small": "Q000001", "Large": "Q000002"}


def toolbar(page: str, path: str) -> Sheet:
    return next(each for each in sheets_on(page, path) if "field_of" in each.values)


async def apply(auth: Auth, path: str, query: str = "", **entries: str) -> str:
    """Open a list, change entries of its filters, and send all of them, as without a script."""
    sheet = toolbar(await text_of(await auth.get(f"{path}?{query}")), path)
    assert entries.keys() <= sheet.values.keys()
    del sheet.values["columns"]
    answer = await auth.client.get(path, query_string=sheet.values | entries)
    assert answer.status_code == 200
    return await text_of(answer)


async def make(trade: Trade, kind: str, name: str, **fields: Any) -> None:
    trading: dict[str, Any] = {
        "account": trade.account,
        "person": trade.person,
        "good": trade.good,
        "deal": trade.deal,
        "order": trade.order,
    }
    await trading[kind](fields=fields, **({} if kind == "order" else {"name": name}))


@pytest.fixture
async def accounts(trade: Trade, user: User) -> None:
    await define(trade, "account")
    await make(trade, "account", "Small", size="1.5", since="2026-01-01", hobby="Sailing")
    await make(trade, "account", "Large", size="20", since="2026-02-01", hobby="Chess", vip="yes")
    await make(trade, "account", "Plain", colour="red")


@pytest.mark.parametrize("kind", PATHS)
async def test_the_panel_of_each_list_filters_by_a_field(
    auth: Auth, trade: Trade, kind: str
) -> None:
    path = PATHS[kind]
    await define(trade, kind)
    await make(trade, kind, "Small", size="1.5", since="2026-01-01", hobby="Sailing")
    await make(trade, kind, "Large", size="20", since="2026-02-01", hobby="Chess")
    for key, first, last, text, found in (
        ("size", "1,5", "", "Size from 1.5", {"Small", "Large"}),
        ("size", "", "1.5", "Size up to 1.5", {"Small"}),
        ("size", "2", "20", "Size from 2 to 20", {"Large"}),
        ("size", "20", "20", "Size: 20", {"Large"}),
        ("since", "2026-01-02", "2026-02-01", "Since from 2 Jan 2026 to 1 Feb 2026", {"Large"}),
        ("hobby", "sai", "", "Hobby begins with sai", {"Small"}),
        ("hobby", "", "", "Hobby: any value", {"Small", "Large"}),
    ):
        page = await apply(auth, path, field_of=key, field_from=first, field_to=last)
        chips = [chip[2] for chip in CHIP.findall(page)]
        assert chips == [text]
        found = {NUMBERS[name] for name in found} if kind == "order" else found
        assert set(names(page)) == found, text
        again = toolbar(page, path).values
        assert again["field_of"] == key
    if kind == "deal":
        board = await text_of(await auth.get("/deals/board?field_of=size&field_from=2&field_to="))
        assert "Size from 2" in board
        assert "Small" not in board


async def test_the_filter_is_kept_by_sorting_saving_and_other_filters(
    auth: Auth, accounts: None
) -> None:
    page = await apply(auth, "/accounts/", field_of="size", field_from="1,50", field_to="30")
    plain = page.replace("&amp;", "&")
    assert 'href="?sort=-name&field=size%3A1.5..30"' in plain
    assert 'action="/bulk/accounts?sort=name&page=1&field=size%3A1.5..30"' in plain.replace(
        ":", "%3A"
    )
    assert "/views/accounts/new?sort=name&field=size%3A1.5..30" in plain
    (chip,) = CHIP.findall(plain)
    assert chip[1] == "sort=name"
    page = await apply(auth, "/accounts/", "field=size:1.5..30", q="small")
    assert names(page) == ["Small"]
    assert "Size from 1.5 to 30" in page
    for query in ("?sort=name&field=size:1.5..30&view=1", "?field=size:1.5..30"):
        assert "field_" not in re.sub(
            "<form.*?</form>", "", await text_of(await auth.get(f"/accounts/{query}")), flags=re.S
        )


async def test_the_select_of_choices_and_the_panel_take_the_place_of_each_other(
    auth: Auth, accounts: None
) -> None:
    page = await apply(auth, "/accounts/", "field=size:..30")
    assert ("size:..30", "Size up to 30") in OPTION.findall(page)
    for query, entries, text in (
        ("field=size:..30", {"field": "vip:yes"}, "Custom field: VIP: yes"),
        ("field=size:..30", {"field": ""}, None),
        ("field=size:..30", {"field_of": ""}, "Field: all"),
        ("field=size:..30", {"field_of": "", "field_from": "", "field_to": ""}, None),
        (
            "field=size:..30",
            {"field": "vip:yes", "field_of": "", "field_to": ""},
            "Custom field: VIP: yes",
        ),
        ("field=vip:yes", {"field_of": "size", "field_to": "5"}, "Size up to 5"),
        ("field=vip:yes", {"field": ""}, None),
        ("field=vip:yes", {"q": "large"}, "Custom field: VIP: yes"),
        ("", {"field": "vip:yes"}, "Custom field: VIP: yes"),
    ):
        page = await apply(auth, "/accounts/", query, **entries)
        shown = [chip[2] for chip in CHIP.findall(page)]
        if text == "Field: all":
            assert PROBLEM.findall(page) == ["Choose a field."]
            text = None
        assert shown == ([] if text is None else [text]), (query, entries)


async def test_wrong_entries_are_named_beside_their_field_and_nothing_is_lost(
    auth: Auth, accounts: None
) -> None:
    for key, first, last, wrong, text in (
        ("size", "x", "3", "field_from", "Enter a number, such as 12.50."),
        ("size", "1", "1,234", "field_to", "can be read in two ways"),
        ("size", "3", "1", "field_to", "The end is before the start."),
        ("since", "2026-02-30", "", "field_from", "Enter a date as YYYY-MM-DD."),
        ("since", "", "soon", "field_to", "Enter a date as YYYY-MM-DD."),
        ("hobby", "s", "t", "field_to", "A text is found by its beginning."),
        ("", "1", "", "field_of", "Choose a field."),
    ):
        page = await apply(
            auth, "/accounts/", "created_from=2020-01-01", field_of=key, field_from=first,
            field_to=last, q="l",
        )  # fmt: skip
        (problem,) = PROBLEM.findall(page)
        assert text in problem
        invalid = re.search(r'<(?:input|select)[^>]* name="(\w+)"[^>]*aria-invalid', page)
        assert invalid
        assert invalid[1] == wrong
        assert '<details class="more-filters" open>' in page
        kept = toolbar(page, "/accounts/").values
        assert (kept["field_of"], kept["field_from"], kept["field_to"]) == (key, first, last)
        assert (kept["created_from"], kept["q"]) == ("2020-01-01", "l")
        assert set(names(page)) == {"Large"}, "the other filters stay"
    page = await text_of(await auth.get("/accounts/?field=size:x..3"))
    assert "Enter a number" in PROBLEM.findall(page)[0]
    assert len(names(page)) == 3


async def test_the_words_are_in_the_language_of_the_reader(auth: Auth, accounts: None) -> None:
    query = {"field_of": "size", "field_from": "1,5", "field_to": ""}
    answer = await auth.client.get(
        "/accounts/", query_string=query, headers={"Accept-Language": "de"}
    )
    page = await text_of(answer)
    assert 'aria-label="Filter Size ab 1,5 entfernen"' in page
    assert "Eigenes Feld" in page


async def test_a_list_without_such_fields_has_no_entries(auth: Auth, trade: Trade) -> None:
    await trade.account()
    assert "field_of" not in await text_of(await auth.get("/accounts/"))
