"""Filters by one record: a field where it can be typed, a chip, and the way from a merged one."""

from __future__ import annotations

import re

import pytest

from quarterdeck_crm.models import Account, Person, SavedView
from tests.crm.conftest import Auth
from tests.crm.test_duplicates import run
from tests.crm.trading import Trade

from .test_filters import CHIP, rows, text_of

OPTION = re.compile(r'<input [^>]*name="person" value="([^"]*)"')


@pytest.fixture
async def accounts(trade: Trade) -> list[Account]:
    return [await trade.account(name=name) for name in ("Oak", "Pine")]


@pytest.fixture
async def people(auth: Auth, trade: Trade, accounts: list[Account]) -> list[Person]:
    """Ann at two accounts, and Annika at one; the deals and tasks are theirs in turn."""
    places = [{"account_id": account.id} for account in accounts]
    ann = await trade.person(name="Ann Anker", accounts=places)
    annika = await trade.person(accounts[0], name="Annika Berg")
    for account_id, contact_id in ((1, 1), (2, 2), (1, 3)):
        await trade.deal(account_id=account_id, contact_id=contact_id)
        await trade.task(contact_id=contact_id)
    return [ann, annika]


@pytest.mark.parametrize("page", ["deals", "tasks"])
async def test_a_person_has_a_field_and_a_chip(auth: Auth, people: list[Person], page: str) -> None:
    for words, found in {"1": [1, 2], "Ann Anker · #1": [1, 2], "ann ank": [1, 2]}.items():
        text = await text_of(await auth.get(f"/{page}/?person={words.replace('#', '%23')}"))
        assert OPTION.findall(text) == ["Ann Anker · #1"], words
        [(chip, query, _name)] = CHIP.findall(text)
        assert (chip, "person" in query) == ("<span>Person: Ann Anker · #1</span>", False)
        shown = re.findall(rf'class="row-link" href="/{page}/(\d+)"', text)
        assert sorted(map(int, shown)) == found, words
    assert await rows(auth, f"/{page}/?person=2") == [3]
    assert CHIP.findall(await text_of(await auth.get(f"/{page}/?person=77")))[0][0] == (
        "<span>Person: Person 77</span>"
    )
    for words, problem in {
        "nobody": "No person fits &#39;nobody&#39;.",
        "ann": "Several people fit &#39;ann&#39;. Choose one from the list.",
    }.items():
        text = await text_of(await auth.get(f"/{page}/?person={words}"))
        assert problem in text
        assert not CHIP.search(text)
        assert OPTION.findall(text) == [words], "to correct it"


async def test_the_board_is_filtered_by_person_too(auth: Auth, people: list[Person]) -> None:
    text = await text_of(await auth.get("/deals/board?person=2"))
    assert CHIP.findall(text)[0][0] == "<span>Person: Annika Berg · #2</span>"
    assert set(re.findall(r'href="/deals/(\d+)"', text)) == {"3"}


async def test_people_are_suggested_with_their_accounts(auth: Auth, people: list[Person]) -> None:
    found = await (await auth.get("/people/suggest?q=ann")).get_json()
    assert found == [
        {"label": "Ann Anker · #1", "accounts": "Oak, Pine"},
        {"label": "Annika Berg · #2", "accounts": "Oak"},
    ]
    assert await (await auth.get("/people/suggest?q=nobody")).get_json() == []


@pytest.mark.parametrize("page", ["deals", "tasks"])
async def test_a_filter_by_a_merged_person_shows_those_of_the_one_that_stays(
    auth: Auth, trade: Trade, people: list[Person], page: str
) -> None:
    ann, annika = people
    view = await trade.view(page=page, arguments=f"person={annika.id}&sort=-created")
    await run(trade, ann, annika)

    every = [1, 2, 3]
    for person in people:
        assert sorted(await rows(auth, f"/{page}/?person={person.id}")) == every
    text = await text_of(await auth.get(f"/{page}/?person=Annika+Berg+·+%23{annika.id}"))
    assert CHIP.findall(text)[0][0] == "<span>Person: Ann Anker · #1</span>"
    async with trade.session() as session:
        kept = await session.get_one(SavedView, view.id)
        assert kept.arguments == f"person={ann.id}&sort=-created"


async def test_a_view_of_the_tasks_of_a_contact_follows_a_merge(
    trade: Trade, people: list[Person]
) -> None:
    ann, annika = people
    view = await trade.view(page="tasks", arguments="contact=3")
    other = await trade.view(page="tasks", arguments="contact=33")
    await run(trade, ann, annika)  # both are at the first account, and contact 3 goes

    async with trade.session() as session:
        assert (await session.get_one(SavedView, view.id)).arguments == "contact=1"
        assert (await session.get_one(SavedView, other.id)).arguments == "contact=33"


async def test_filters_of_links_have_chips(auth: Auth, trade: Trade, people: list[Person]) -> None:
    order = await trade.order(number="A-77")
    await trade.task(order_id=order.id)
    for query, chip, found in (
        (f"order={order.id}", "Order: A-77", [4]),
        ("contact=2", "Contact: Ann Anker", [2]),
        ("deal=1", "Deal: Deal", []),
        ("deal=99", "Deal: #99", []),
    ):
        text = await text_of(await auth.get(f"/tasks/?{query}"))
        [(shown, without, _name)] = CHIP.findall(text)
        assert shown.startswith(f"<span>{chip}"), query
        assert query not in without
        assert await rows(auth, f"/tasks/?{query}") == found
