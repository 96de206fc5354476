"""Lists of very many tasks and deals, filtered by one record, read the rows of that record."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from quart import Quart
from sqlalchemy import select

from quarterdeck_crm.deals.queries import list_deals
from quarterdeck_crm.extensions import db
from quarterdeck_crm.listing import Listing
from quarterdeck_crm.models import SearchWord
from quarterdeck_crm.people.services import list_people
from quarterdeck_crm.search.word_index import index_everything
from quarterdeck_crm.tasks.queries import list_of_record, list_tasks
from tests import databases

from .many import accounts_for, make_orders
from .many_records import make_records
from .plans import asked, plan
from .test_order_lists import make_app, opened

pytestmark = [pytest.mark.feature("D4"), pytest.mark.timeout(120)]

List = Callable[..., Awaitable[Any]]
ORDERS = 300
NO_CONTACT = {"contact": "no"}
CASES: tuple[tuple[List, Listing, str], ...] = (
    (list_tasks, Listing(sort="due", filters={"contact": "7"}), "task_contact_id"),
    (list_tasks, Listing(sort="due", filters={"order": "7", "state": "done"}), "task_order_id"),
    (list_tasks, Listing(sort="title", filters={"account": "7"}), "task_account_id"),
    (list_tasks, Listing(sort="due", filters={"account": "7"}), "task_account_id_task_is_done"),
    (list_tasks, Listing(sort="due", filters={"account": "x"}), "task_is_done_task_due_at"),
    (list_tasks, Listing(sort="title", filters={"person": "7"}), "task_contact_id"),
    (list_tasks, Listing(sort="due", filters={"person": "7"}), "task_contact_id"),
    (list_people, Listing(sort="name", filters=NO_CONTACT), "person_archived_at_person_do_not"),
    (list_deals, Listing(sort="name", filters={"account": "7"}), "deal_account_id"),
    (list_deals, Listing(sort="name", filters={"person": "7"}), "deal_contact_id"),
    (list_deals, Listing(sort="expected", filters={"person": "7"}), "deal_contact_id"),
    (list_deals, Listing(sort="value", filters={"state": "won"}), "deal_kind_deal_value"),
)


@pytest.fixture
def app(tmp_path: Path) -> Quart:
    return make_app(tmp_path)


async def test_a_filter_by_record_reads_the_index_of_the_record(app: Quart) -> None:
    async with opened(app):
        await db.create_database()
        await db.create_all()
        await make_orders(ORDERS)
        await make_records(60, 120, 60, accounts=accounts_for(ORDERS))
        await _words_are_those_of_the_index()
        for read_list, listing, index in CASES if databases.is_sqlite() else ():
            with asked() as statements:
                await read_list(db.session, listing=listing)
            steps = [await plan(text, values) for text, values in statements]
            assert f"USING INDEX ix_{index}" in str(steps[0]), listing
        if databases.is_sqlite():
            for name in ("account_id", "contact_id", "deal_id", "order_id"):
                with asked() as statements:
                    await list_of_record(db.session, **{name: 7})
                assert f"USING INDEX ix_task_{name}" in str(await plan(*statements[0])), name
            for read_list in (list_tasks, list_people):
                await _each_row_is_asked_for_its_own_words(read_list)
            assert await _index_of_a_day_range(most=1000) == "due_at"
            assert await _index_of_a_day_range(most=5) == "title_key"


async def _each_row_is_asked_for_its_own_words(read_list: List) -> None:
    sort = "title" if read_list is list_tasks else "name"
    with asked() as statements:
        await read_list(db.session, listing=Listing(sort=sort, q="a wool 7"))
    steps = [step for text, values in statements for step in await plan(text, values)]
    inner = [step for step in steps if re.match("SEARCH search_word_[23] ", step)]
    assert len(inner) == 2
    assert all("subject_id=? AND word>?" in step for step in inner), inner


async def _index_of_a_day_range(most: int) -> str:
    """Return the last column of the index that a list of tasks of some days is read from."""
    listing = Listing(sort="title", filters={"day_from": "2020-01-01"})
    with asked() as statements, pytest.MonkeyPatch.context() as changes:
        changes.setattr("quarterdeck_crm.search.paging.MAX_COUNTED", most)
        page = await list_tasks(db.session, listing=listing)
        assert page.is_total_exact == (most == 1000)
    step = (await plan(*statements[-1]))[0]
    found = re.search(r"USING INDEX ix_task_is_done_task_(\w+) ", step)
    assert found, step
    return found[1]


async def _words_are_those_of_the_index() -> None:
    async with db.engine.begin() as connection:
        words = select(SearchWord.subject_type, SearchWord.word, SearchWord.subject_id)
        made = set(await connection.execute(words))
        await connection.run_sync(index_everything)
        assert {row for row in made if row.subject_type != "account"} == {
            row for row in await connection.execute(words) if row.subject_type != "account"
        }
