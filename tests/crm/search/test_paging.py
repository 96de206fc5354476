"""Lists searched by words: the same rows, however many of them match."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from quarterdeck_crm.listing import Listing
from quarterdeck_crm.people.services import list_people
from quarterdeck_crm.tasks.queries import list_tasks
from tests.crm.trading import Trade

pytestmark = pytest.mark.feature("D5")

Find = Callable[..., Awaitable[tuple[list[str], int, bool]]]
NAMES = (
    "Ada Wool", "Ada Woolf", "Adam Oak", "Bea Wool", "Cid Wool-Woolley", "Dan Oak-Wool", "Eve Silk"
)  # fmt: skip


@pytest.fixture(name="find")
async def _find(trade: Trade) -> Find:
    for name in NAMES:
        await trade.person(name=name, phones=[{"number": "+49 30 90 18 20"}])
        await trade.task(title=f"Call {name}")

    async def find(q: str, **options: Any) -> tuple[list[str], int, bool]:
        """Return the names of a page of people, after a look at the same page of tasks."""
        async with trade.session() as session:
            people = await list_people(
                session, listing=Listing(q=q, sort="name", per_page=3, **options)
            )
            tasks = await list_tasks(
                session, listing=Listing(q=q, sort="title", per_page=3, **options)
            )
        names = [person.name for person in people.items]
        if not q.startswith("+49"):
            assert [task.title for task in tasks.items] == [f"Call {name}" for name in names]
            assert (tasks.total, tasks.is_total_exact) == (people.total, people.is_total_exact)
        return names, people.total or 0, people.is_total_exact

    return find


@pytest.mark.parametrize("most", [10_000, 2, 1])
async def test_the_same_rows_are_found_whether_few_match_or_many(
    find: Find, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr("quarterdeck_crm.search.paging.MAX_COUNTED", most)

    def told(total: int) -> tuple[int, bool]:
        return min(total, most), total <= most

    wool = ["Ada Wool", "Ada Woolf", "Bea Wool", "Cid Wool-Woolley", "Dan Oak-Wool"]
    assert await find("wool") == (wool[:3], *told(5))
    assert await find("wool", page=2) == (wool[3:], *told(5))
    assert await find("wool", descending=True) == (wool[:1:-1], *told(5))
    assert await find("ad woo") == (wool[:2], *told(2))
    assert await find("oak wool") == (wool[-1:], *told(1))
    assert await find("nobody") == ([], 0, True)
    assert await find("") == (list(NAMES[:3]), *told(7))
    assert await find("+49 30 901820") == (list(NAMES[:3]), *told(7))
